// What opens above the page. There is one native <dialog>; `page.dialogs` knows what is in it.

import { upTo99 } from "../count.js";
import { html, nothing } from "../lit.js";
import { explainName } from "../errors.js";
import { t } from "../i18n.js";
import { avatar, conversationAvatar, heading, presenceText, roomAvatar } from "./parts.js";
import { picker } from "./picker.js";
import { settings } from "./settings.js";
import { shortcuts } from "./shortcuts.js";

const contents = { create, browse, direct, invite, switcher, leave, settings, shortcuts };

export function dialog(page) {
  const open = page.dialogs.current;
  const outside = (event) => { if (event.target === event.currentTarget) page.dialogs.close(); };
  return html`
    <dialog id="dialog" aria-labelledby="dialog-title" @close=${() => page.dialogs.close()} @click=${outside}>
      ${open ? html`<div class="dialog-body">${contents[open.name](page, open)}</div>` : nothing}
    </dialog>`;
}

const mistake = ({ error }) => (error ? html`<p id="dialog-error" class="error" role="alert">${error}</p>` : nothing);

function create(page, state) {
  const submit = async (event) => {
    event.preventDefault();
    if (state.busy) return;
    const { title, closed } = event.target.elements;
    await page.dialogs.attempt(async () => page.go(await page.chat.create(title.value.trim(), closed.checked)), explainName);
    if (page.dialogs.current?.error) title.focus();
  };
  const mistaken = state.error ? "true" : nothing;
  return html`
    ${heading(page, t("New room"))}
    <form class="form" @submit=${submit}>
      <label class="field">${t("Name")}<input name="title" required maxlength="80" autocomplete="off" autofocus dir="auto"
        aria-invalid=${mistaken} aria-describedby=${state.error ? "dialog-error" : nothing}></label>
      <label class="choice"><input type="checkbox" name="closed"> ${t("Private: only invited people can see and join it")}</label>
      ${mistake(state)}
      <div class="actions"><button class="button primary" aria-disabled=${state.busy}>${t("Create room")}</button></div>
    </form>`;
}

function browse(page, state) {
  const rooms = (state.rooms ?? []).map((room) => ({
    words: room.name,
    view: html`
      ${roomAvatar({ key: `g:${room.gid}` })}<span class="row-title"><bdi>${room.name}</bdi></span>
      <span class="row-preview">${room.members === 1 ? t("1 member") : t("{n} members", { n: room.members })}</span>
      <span class="row-action">${room.joined ? t("Open") : t("Join")}</span>`,
    pick: () => page.dialogs.attempt(async () => page.go(await page.chat.join(room.gid))),
  }));
  const none = state.rooms ? noRooms(page) : t("Loading…");
  return html`${heading(page, t("Browse rooms"))}${picker(page, { label: t("Search rooms"), items: rooms, none })}${mistake(state)}`;
}

const noRooms = (page) => html`${t("There is no room to join. Create the first one.")}
  <button type="button" class="button" @click=${() => page.openDialog("create")}>${t("New room")}</button>`;

function direct(page, state) {
  const items = page.others().map((person) => personItem(person, () => {
    page.go(page.chat.direct(person.uid));
    page.dialogs.close();
  }));
  const none = t("You know nobody here yet. Join a room to meet people.");
  return html`${heading(page, t("New message"))}${picker(page, { label: t("Search people"), items, none })}${mistake(state)}`;
}

function invite(page, state) {
  const { room } = state;
  const items = page.others()
    .filter(({ uid }) => !room.members?.has(uid))
    .map((person) => personItem(person, () => page.dialogs.attempt(() => page.chat.invite(room, person.uid))));
  const none = t("Everybody you know is here already.");
  const title = t("Invite people to {room}", { room: room.title });
  return html`
    ${heading(page, title)}
    ${picker(page, { label: t("Search people"), items, none })}${mistake(state)}`;
}

const personItem = (person, pick) => ({
  words: person.name,
  view: html`
    ${avatar(person)}<span class="row-title"><bdi>${person.name}</bdi></span>
    <span class="row-preview">${presenceText(person)}</span>`,
  pick,
});

function switcher(page) {
  const items = [...page.chat.rooms, ...page.chat.directs].sort((a, b) => b.ts - a.ts).map((conversation) => ({
    words: conversation.title,
    view: html`
      ${conversationAvatar(conversation, page.chat.people)}<span class="row-title"><bdi>${conversation.title}</bdi></span>
      ${badge(page.chat.unreadOf(conversation))}`,
    pick: () => {
      page.go(conversation.key);
      page.dialogs.close();
    },
  }));
  return html`
    ${heading(page, t("Go to a conversation"))}
    ${picker(page, { label: t("Search conversations"), items, none: t("Nothing found.") })}`;
}

const badge = (unread) => (unread ? html`<span class="badge">${upTo99(unread)}</span>` : nothing);

function leave(page, state) {
  const { room } = state;
  const go = () => page.dialogs.attempt(async () => {
    await page.chat.leave(room);
    if (!page.chat.current) page.go(null);
  });
  const title = t("Leave {room}?", { room: room.title });
  return html`
    ${heading(page, title)}
    <p>${room.private ? t("It is private: somebody has to invite you to come back.") : t("You can join it again at any time.")}</p>
    ${mistake(state)}
    <div class="actions">
      <button type="button" class="button" @click=${() => page.dialogs.close()}>${t("Stay")}</button>
      <button type="button" class="button danger" ?disabled=${state.busy} @click=${go}>${t("Leave room")}</button>
    </div>`;
}
