// The messages of a conversation.

import { upTo99 } from "../count.js";
import { guard, html, nothing, repeat } from "../lit.js";
import { dayName, isoTime } from "../dates.js";
import { phrase, t } from "../i18n.js";
import { comes, waiting } from "./connection.js";
import { message } from "./message.js";
import { emptyState, icon } from "./parts.js";

const NAMES_IN_NOTICE = 3;

/** Rooms have rows; in a narrow place they are `bubbles` as well. */
export function timeline(page, conversation, { bubbles = false } = {}) {
  const { timeline: { version, empty }, title, isRoom, peerRead } = conversation;
  const today = new Date().toDateString();
  const { client } = page.chat;
  const rows = () => repeat(conversation.timeline.rows(), ({ key }) => key, (row) => views[row.kind](row, page, conversation));
  const label = t("Messages of {title}", { title });
  return html`
    <div class="timeline-frame">
      <div class="timeline" tabindex="0" @keydown=${walk} role="region" aria-label=${label}>
        <ol role="log" aria-label=${t("Messages")} aria-live="off" class=${looks(isRoom, bubbles)}>
          ${guard([conversation, version, peerRead, today, page.chat.people.pictures, comes(client)], rows)}
        </ol>
        ${empty ? silence(conversation) : nothing}
      </div>
      ${unreadAbove(page, conversation)}
      ${jump(page, conversation)}
    </div>`;
}

const looks = (isRoom, bubbles) => (isRoom ? (bubbles ? "bubbles named" : "rows") : "bubbles");

const views = {
  message,
  hole: ({ before }, page, conversation) => html`
    <li class="hole" role="note" data-hole=${before}>${hole(page, conversation, before)}</li>`,
  day: ({ ts }) => html`
    <li class="day" role="separator"><time datetime=${isoTime(ts).slice(0, 10)}>${dayName(ts)}</time></li>`,
  divider: () => html`
    <li class="divider" role="separator"><span>${t("New messages")}</span></li>`,
  notice: ({ people }) => html`
    <li class="notice" role="note">${notice([...people])}</li>`,
};

function hole(page, conversation, before) {
  if (!comes(page.chat.client)) return waiting(page.chat.client);
  if (conversation.filling.get(before) !== "failed") return html`<p class="loading">${t("Loading messages…")}</p>`;
  return html`
    <p>${t("These messages could not be loaded.")}
      <button type="button" class="link" @click=${() => page.chat.history.fill(conversation, before)}>${t("Try again")}</button>
    </p>`;
}

function notice(changes) {
  const lines = changes.slice(-NAMES_IN_NOTICE).map(([name, joined]) => {
    const who = { name: html`<bdi>${name}</bdi>` };
    return html`<span>${joined ? phrase("{name} joined", who) : phrase("{name} left", who)}</span>`;
  });
  const others = changes.length - lines.length;
  return others > 0 ? [...lines, t("and {n} more", { n: others })] : lines;
}

function silence({ isRoom, title }) {
  const name = html`<bdi>${title}</bdi>`;
  const text = isRoom
    ? phrase("This is the very beginning of {name}. Write the first message.", { name })
    : phrase("Say hello to {name}.", { name });
  return emptyState({ name: "bubble", title: t("No messages yet"), text });
}

function unreadAbove(page, conversation) {
  const count = page.unreadAbove;
  if (!count) return nothing;
  const text = count === 1 ? t("1 new message") : t("{n} new messages", { n: count });
  return html`
    <button type="button" class="pill above" @click=${() => page.toUnread(conversation)}>${icon("up")}${text}</button>`;
}

function jump(page, conversation) {
  const unread = page.chat.unreadOf(conversation);
  if (!page.far && !(page.away && unread)) return nothing;
  return html`
    <button type="button" class="pill below" @click=${() => page.toEnd()} aria-label=${t("Jump to the latest messages")}>
      ${icon("down")}${unread ? html`<span>${upTo99(unread)}</span>` : nothing}
    </button>`;
}

// The messages are one stop of the Tab key; the arrows walk through them.
function walk(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  const messages = [...event.currentTarget.querySelectorAll(".message")];
  const at = messages.indexOf(event.target.closest(".message"));
  const next = at < 0 ? messages.at(-1) : messages[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
