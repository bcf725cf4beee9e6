// The left column: search, rooms, private talks, oneself.

import { hashOf } from "../address.js";
import { upTo99 } from "../count.js";
import { html, nothing, repeat } from "../lit.js";
import { isoTime, shortTime } from "../dates.js";
import { phrase, t } from "../i18n.js";
import { connectionLine, stateInWords, transportNote } from "./connection.js";
import { avatar, conversationAvatar, icon, iconButton, onlyForReaders, presenceText } from "./parts.js";

const PREVIEW = 80; // characters; what fits is for the style sheet to say

export const sidebar = (page) => html`
  <nav class="sidebar" aria-label=${t("Conversations")}>
    <div class="sidebar-head">
      <label class="search">
        ${icon("search")}
        <input type="search" placeholder=${t("Search")} aria-label=${t("Search conversations")}
          .value=${page.filter} @input=${(event) => page.show({ filter: event.target.value })}>
        <kbd aria-hidden="true">Ctrl K</kbd>
      </label>
    </div>
    ${page.listAlone ? connectionLine(page) : nothing}
    <div class="sidebar-lists" @keydown=${walk}>
      ${section(page, { title: t("Rooms"), all: page.chat.rooms, buttons: roomButtons(page), none: t("You are in no room yet.") })}
      ${section(page, { title: t("Direct messages"), all: page.chat.directs, buttons: directButtons(page), none: t("No private talks yet.") })}
    </div>
    ${footer(page)}
  </nav>`;

const roomButtons = (page) => [
  iconButton({ name: "compass", label: t("Browse rooms"), press: () => page.openDialog("browse") }),
  iconButton({ name: "plus", label: t("New room"), press: () => page.openDialog("create") }),
];

const directButtons = (page) => [
  iconButton({ name: "plus", label: t("New message"), press: () => page.openDialog("direct") }),
];

function section(page, { title, all, buttons, none }) {
  const found = all.filter((conversation) => matches(conversation, page.filter));
  const stop = stopOf(page);
  const hint = page.filter ? t("Nothing found.") : none;
  return html`
    <section>
      <div class="section-head"><h2>${title}</h2>${buttons}</div>
      ${found.length ? nothing : html`<p class="hint">${page.chat.ready ? hint : t("Loading…")}</p>`}
      <ul>${repeat(found, ({ key }) => key, (conversation) => row(page, conversation, stop))}</ul>
    </section>`;
}

/** The list is one stop of the Tab key: where one is, or else at its top. The arrows walk through it. */
function stopOf({ chat, filter }) {
  const found = [...chat.rooms, ...chat.directs].filter((conversation) => matches(conversation, filter));
  return found.includes(chat.current) ? chat.current : found[0];
}

function walk(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  const rows = [...event.currentTarget.querySelectorAll("a.row")];
  const at = rows.indexOf(event.target.closest("a.row"));
  const next = at < 0 ? null : rows[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

export function matches({ title }, wanted) {
  return title.toLocaleLowerCase().includes(wanted.trim().toLocaleLowerCase());
}

function row(page, conversation, stop) {
  const { key, title, ts, isRoom, id } = conversation;
  const presence = isRoom ? nothing : presenceText(page.chat.people.get(id));
  const muted = page.chat.mutes.has(key);
  const unread = page.chat.unreadOf(conversation);
  const current = conversation === page.chat.current;
  return html`
    <li>
      <a class="row ${unread ? "unread" : ""}" href=${hashOf(key)} title=${presence} aria-current=${current ? "page" : nothing}
        tabindex=${conversation === stop ? 0 : -1}>
        ${conversationAvatar(conversation, page.chat.people)}
        <span class="row-title"><bdi>${title}</bdi>${isRoom ? nothing : onlyForReaders(` ${presence}`)}</span>
        ${ts ? html`<time class="row-time" datetime=${isoTime(ts)}>${shortTime(ts)}</time>` : nothing}
        <span class="row-preview">${preview(page, conversation)}</span>
        ${muted ? html`<span class="row-muted">${icon("mute")}${onlyForReaders(t("Muted"))}</span>` : nothing}
        ${unread ? html`<span class="badge ${muted ? "muted" : ""}">${upTo99(unread)}${onlyForReaders(` ${t("unread")}`)}</span>` : nothing}
      </a>
    </li>`;
}

function preview(page, conversation) {
  const draft = conversation === page.chat.current ? "" : page.chat.draft(conversation.key);
  if (draft) return phrase("Draft: {text}", { text: short(draft) });
  const last = conversation.timeline.pending.at(-1) ?? conversation.timeline.last;
  if (!last) return nothing;
  const text = short(last.content);
  if (last.mine) return phrase("You: {text}", { text });
  if (conversation.isRoom) return phrase("{name}: {text}", { name: short(last.name), text });
  return last.content.slice(0, PREVIEW); // alone it gives the line its direction
}

const short = (text) => html`<bdi>${text.slice(0, PREVIEW)}</bdi>`;

const footer = (page) => html`
  <div class="sidebar-foot">
    ${avatar({ ...page.chat.people.get(page.chat.me.uid), ...page.chat.me, online: page.chat.client.state === "open", away: false })}
    <div class="whoami">
      <bdi class="row-title">${page.chat.me.name}</bdi>
      <span class="row-preview" data-state=${page.chat.client.state}>${stateInWords(page.chat.client)}${crowd(page.chat)}</span>
      ${transportNote(page.chat.client)}
    </div>
    ${iconButton({ name: "gear", label: t("Settings"), press: () => page.openDialog("settings") })}
  </div>`;

function crowd({ client, online }) {
  if (client.state !== "open" || !online) return nothing;
  const words = online.users === 1 ? t("1 person here") : t("{n} people here", { n: online.users });
  return ` · ${words}`;
}
