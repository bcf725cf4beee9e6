// Small pieces that several views share.

import { html, nothing } from "../lit.js";
import { ago } from "../dates.js";
import { t } from "../i18n.js";

const HUES = 12;

export const icon = (name) => html`<svg class="icon" aria-hidden="true"><use href="#icon-${name}"></use></svg>`;

export const iconButton = ({ name, label, press, kind = "" }) => html`
  <button type="button" class="icon-button ${kind}" aria-label=${label} title=${label} @click=${press}>${icon(name)}</button>`;

/** The same person has the same colour everywhere and always. */
function hueOf(uid) {
  let sum = 0;
  for (const letter of String(uid)) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return sum % HUES;
}

/** One character of a Chinese name, two initials of others. */
function initialsOf(name) {
  const words = name.trim().split(/[\s._-]+/).filter(Boolean);
  const [first = "?"] = [...(words[0] ?? "")];
  if (words.length < 2 || /\p{Script=Han}/u.test(first)) return first.toUpperCase();
  return (first + [...words.at(-1)][0]).toUpperCase();
}

/** A full dot, a ring, or none says how somebody stands; words say the same beside it. Without a connection nobody knows. */
export const avatar = ({ uid, name, online, away, stale = false, avatar: address }) => html`
  <span class="avatar hue-${hueOf(uid)}" aria-hidden="true">${initialsOf(name)}${picture(address)}${dot({ online: online && !stale, away })}</span>`;

/** The picture lies over the initials, which stay where it does not come. */
const picture = (address) => (isPicture(address)
  ? html`<img src=${address} alt="" loading="lazy" decoding="async" referrerpolicy="no-referrer"
      @error=${({ target }) => { target.hidden = true; }} @load=${({ target }) => { target.hidden = false; }}>`
  : nothing);

// As the server sees it: https, or a path of this site.
const isPicture = (address) => /^(https:\/\/[^/\s\\]|\/(?![/\\]))[^\s\\]*$/.test(address ?? "");

const dot = ({ online, away }) => (online ? html`<span class="presence ${away ? "away" : ""}"></span>` : nothing);

export const roomAvatar = (room) => html`
  <span class="avatar room hue-${hueOf(room.key)}" aria-hidden="true">${icon(room.private ? "lock" : "hash")}</span>`;

export function conversationAvatar(conversation, people) {
  if (conversation.isRoom) return roomAvatar(conversation);
  return avatar({ ...people.get(conversation.id), name: conversation.title });
}

export function presenceText({ online, away, seen, stale = false }) {
  if (stale && (online || !seen)) return "";
  if (online) return away ? t("Away") : t("Online");
  return seen ? t("Last seen {when}", { when: ago(seen) }) : t("Offline");
}

export const onlyForReaders = (text) => html`<span class="visually-hidden">${text}</span>`;

export const emptyState = ({ name, title, text, actions = nothing }) => html`
  <div class="empty">
    ${icon(name)}
    <p class="empty-title">${title}</p>
    <p>${text}</p>
    <div class="actions">${actions}</div>
  </div>`;

/** The top of a dialog. */
export const heading = (page, title) => html`
  <header class="dialog-head">
    <h2 id="dialog-title">${title}</h2>
    ${iconButton({ name: "close", label: t("Close"), press: () => page.dialogs.close() })}
  </header>`;
