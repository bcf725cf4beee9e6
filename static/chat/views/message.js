// One message: a row in a room, a bubble in a private talk. The style sheet makes the difference.

import { html, nothing } from "../lit.js";
import { clockTime, fullTime, isoTime } from "../dates.js";
import { explain } from "../errors.js";
import { t } from "../i18n.js";
import { splitLinks } from "../text.js";
import { avatar, icon, onlyForReaders } from "./parts.js";

/** As a screen reader says it. */
export const inWords = ({ name, ts, content }) => `${name}, ${clockTime(ts)}: ${content}`;

export function message({ message, head }, page, conversation) {
  const { mine, state, seq, name, ts } = message;
  return html`
    <li class="message ${head ? "head" : ""} ${mine ? "mine" : ""} ${state ?? ""}"
      data-seq=${seq ?? nothing} role="article" aria-label=${inWords(message)} tabindex="-1">
      ${head ? avatar({ uid: message.uid, name, avatar: page.chat.people.get(message.uid).avatar }) : nothing}
      <div class="message-body">
        ${head ? html`<bdi class="author" title=${name}>${name}</bdi>` : nothing}
        <time datetime=${isoTime(ts)} title=${fullTime(ts)}>${clockTime(ts)}</time>
        <p class="text" dir="auto">${splitLinks(message.content).map(piece)}</p>
        ${mine ? status(message, conversation) : nothing}
        ${state === "failed" ? failure(message, page) : nothing}
      </div>
    </li>`;
}

const piece = ({ text, href }) => (href
  ? html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow">${text}</a>`
  : text);

function status({ state, seq }, conversation) {
  if (state === "failed") return nothing;
  if (state === "pending") return tick("clock", t("Sending…"));
  if (!conversation.isRoom && seq <= conversation.peerRead) return tick("ticks", t("Read"));
  return tick("tick", t("Sent"));
}

const tick = (name, words) => html`<span class="tick" title=${words}>${icon(name)}${onlyForReaders(words)}</span>`;

function failure({ id, error }, page) {
  const words = error ? t("Not sent: {reason}", { reason: explain(error) }) : t("Not sent");
  return html`
    <div class="failure">
      ${icon("warning")}<span>${words}</span>
      <button type="button" class="link" @click=${() => page.chat.retry(id)}>${t("Retry")}</button>
      <button type="button" class="link" @click=${() => page.chat.outbox.drop(id)}>${t("Delete")}</button>
    </div>`;
}
