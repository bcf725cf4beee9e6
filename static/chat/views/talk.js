// The middle column: one conversation.

import { upTo99 } from "../count.js";
import { html, nothing } from "../lit.js";
import { phrase, t } from "../i18n.js";
import { composer } from "./composer.js";
import { connectionLine, waiting } from "./connection.js";
import { conversationAvatar, emptyState, icon, iconButton, presenceText } from "./parts.js";
import { timeline } from "./timeline.js";

export function talk(page) {
  const { current } = page.chat;
  return html`
    <main class="talk" ?inert=${page.membersAbove}>
      ${current ? header(page, current) : headless(page)}
      ${page.listAlone ? nothing : connectionLine(page)}
      ${welcome(page)}
      ${current ? conversation(page, current) : nowhere(page)}
    </main>`;
}

const header = (page, current) => html`
  <header class="talk-head">
    ${back(othersUnread(page, current))}
    ${conversationAvatar(current, page.chat.people)}
    <div class="talk-title">
      <h1><bdi>${current.title}</bdi></h1>
      <p>${subtitle(page.chat, current)}</p>
    </div>
    ${muteButton(page, current)}
    ${current.isRoom ? membersButton(page) : nothing}
  </header>`;

// Somewhere that one may not be, with a way back.
const headless = ({ wanted }) => (wanted
  ? html`<header class="talk-head">${back()}<div class="talk-title"><h1>${t("Chat")}</h1></div></header>`
  : nothing);

const back = (beside = nothing) => html`
  <a class="icon-button back" href="#" aria-label=${t("Back to all conversations")}>${icon("back")}${beside}</a>`;

function othersUnread({ chat }, current) {
  const unread = chat.totalUnread - (chat.mutes.has(current.key) ? 0 : chat.unreadOf(current));
  return unread ? html`<span class="badge">${upTo99(unread)}</span>` : nothing;
}

// A button with a state keeps its name, or readers would hear "Unmute, pressed".
function muteButton(page, current) {
  const muted = page.chat.mutes.has(current.key);
  const title = muted ? t("Muted: no sound, no notification") : t("Mute");
  return html`
    <button type="button" class="icon-button" aria-label=${t("Mute")} title=${title} aria-pressed=${muted}
      @click=${() => page.mute(current, !muted)}>${icon(muted ? "mute" : "bell")}</button>`;
}

const membersButton = (page) => html`
  <button type="button" class="icon-button" aria-label=${t("Members")} title=${t("Members")}
    aria-expanded=${page.membersShown} aria-controls="members"
    @click=${() => page.showMembers(!page.membersShown)}>${icon("people")}</button>`;

function subtitle({ people }, { isRoom, id, members }) {
  if (!isRoom) return presenceText(people.get(id));
  if (!members) return nothing;
  const count = members.size === 1 ? t("1 member") : t("{n} members", { n: members.size });
  if (!people.live) return count;
  const online = [...members].filter((uid) => people.get(uid).online).length;
  const present = t("{n} online", { n: online });
  return `${count} · ${present}`;
}

function welcome(page) {
  if (!page.welcome) return nothing;
  return html`
    <div class="welcome"><p dir="auto">${page.welcome}</p>
      ${iconButton({ name: "close", label: t("Close"), press: () => page.closeWelcome() })}
    </div>`;
}

const conversation = (page, current) => html`
  ${timeline(page, current)}
  <p class="typing">${typing(current.typing.names)}</p>
  ${composer(page, current)}`;

export function typing(names) {
  const [first, second] = names.map((name) => html`<bdi>${name}</bdi>`);
  if (names.length === 0) return nothing;
  if (names.length === 1) return phrase("{name} is typing…", { name: first });
  if (names.length === 2) return phrase("{first} and {second} are typing…", { first, second });
  return t("Several people are typing…");
}

function nowhere(page) {
  if (!page.chat.ready) return waiting(page.chat.client);
  const browse = html`<button type="button" class="button" @click=${() => page.openDialog("browse")}>${t("Browse rooms")}</button>`;
  if (page.wanted) {
    const title = t("You are not in this room");
    return emptyState({ name: "compass", title, text: t("It may be private, or it does not exist."), actions: browse });
  }
  return emptyState({ name: "bubble", title: t("Nothing open"), text: t("Choose a conversation from the list, or find a room to join."), actions: browse });
}
