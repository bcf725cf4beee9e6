// The widget's panel: a head, the messages, the box to write in.

import { upTo99 } from "../count.js";
import { html, nothing } from "../lit.js";
import { t } from "../i18n.js";
import { composer } from "./composer.js";
import { connectionLine, transportNote, waiting } from "./connection.js";
import { emptyState, icon, iconButton } from "./parts.js";
import { typing } from "./talk.js";
import { timeline } from "./timeline.js";

export function panel(page) {
  const { current } = page.chat;
  return html`
    <div class="talk">
      ${head([title(page, current), transportNote(page.chat.client)], () => page.close(), page.full)}
      ${connectionLine(page)}
      ${current ? conversation(page, current) : nowhere(page)}
    </div>`;
}

/** For whom nobody knows. */
export function stranger({ code, login }, close) {
  const [title, text] = code === "forbidden"
    ? [t("You may not use this chat."), nothing]
    : [t("You are not logged in"), t("Log in to write and to read.")];
  const action = login && code !== "forbidden" && html`<a class="button primary" href=${login}>${t("Log in")}</a>`;
  return html`
    <div class="talk">
      ${head(html`<h2>${t("Chat")}</h2>`, close)}
      ${emptyState({ name: "lock", title, text, actions: action || nothing })}
    </div>`;
}

const head = (name, close, full = null) => html`
  <header class="talk-head">
    <div class="talk-title">${name}</div>
    ${full ? openInFull(full) : nothing}
    ${iconButton({ name: "minimise", label: t("Minimise"), press: close })}
  </header>`;

const openInFull = (href) => html`
  <a class="icon-button" href=${href} target="_blank" rel="noopener" aria-label=${t("Open in full")} title=${t("Open in full")}>
    ${icon("expand")}</a>`;

function title(page, current) {
  if (page.choices.length < 2) return html`<h2 title=${current?.title ?? nothing}><bdi>${current?.title ?? t("Chat")}</bdi></h2>`;
  return html`
    <select aria-label=${t("Conversation")} @change=${({ target }) => page.go(target.value)}>
      ${page.choices.map((one) => html`<option value=${one.key} .selected=${one === current}>${label(page, one)}</option>`)}
    </select>`;
}

function label({ chat }, conversation) {
  const unread = chat.unreadOf(conversation);
  return unread ? `${conversation.title} (${upTo99(unread)})` : conversation.title;
}

const conversation = (page, current) => html`
  ${timeline(page, current, { bubbles: true })}
  <p class="typing">${typing(current.typing.names)}</p>
  ${composer(page, current)}`;

function nowhere(page) {
  if (page.problem) return emptyState({ name: "compass", title: t("You are not in this room"), text: page.problem });
  if (!page.chat.ready) return waiting(page.chat.client);
  return page.choices.length ? nothing : emptyState({ name: "bubble", title: t("Nothing open"), text: t("You are in no room yet.") });
}
