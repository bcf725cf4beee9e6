// The right column: who belongs to a room.

import { html, nothing, repeat } from "../lit.js";
import { phrase, t } from "../i18n.js";
import { byPresence } from "../people.js";
import { comes } from "./connection.js";
import { avatar, icon, iconButton, presenceText } from "./parts.js";

export function members(page) {
  const { current, people } = page.chat;
  if (!page.membersShown || !current?.isRoom) return nothing;
  const everybody = [...(current.members ?? [])].map((uid) => people.get(uid)).sort(byPresence);
  return html`
    <aside id="members" class="members" aria-label=${t("Members")}>
      <header class="members-head">
        <h2>${t("Members")} <span class="quiet">${everybody.length || nothing}</span></h2>
        ${iconButton({ name: "close", label: t("Close"), press: () => page.showMembers(false) })}
      </header>
      ${current.members ? nothing : unknown(page.chat.client)}
      <ul>${repeat(everybody, ({ uid }) => uid, (person) => member(page, person))}</ul>
      <div class="members-foot">
        ${current.invite
          ? html`<button type="button" class="button" @click=${() => page.openDialog("invite", current)}>${icon("plus")}${t("Invite people")}</button>`
          : nothing}
        <button type="button" class="button quiet" @click=${() => page.openDialog("leave", current)}>${icon("leave")}${t("Leave room")}</button>
      </div>
    </aside>`;
}

const unknown = (client) => (comes(client)
  ? html`<p class="hint loading">${t("Loading…")}</p>`
  : html`<p class="hint">${t("No connection")}</p>`);

// Chinese sets no blank before its brackets.
function myself(name) {
  const who = { name: html`<bdi>${name}</bdi>` };
  return phrase("{name} (you)", who).map((piece) => (typeof piece === "string" ? html`<span class="quiet">${piece}</span>` : piece));
}

function member(page, person) {
  const { uid, name } = person;
  const me = uid === page.chat.me.uid;
  const inside = html`
    ${avatar(person)}
    <span class="row-title">${me ? myself(name) : html`<bdi>${name}</bdi>`}</span>
    <span class="row-preview">${presenceText(person)}</span>`;
  return html`
    <li>${me
      ? html`<span class="row">${inside}</span>`
      : html`<button type="button" class="row" title=${t("Send a message")} @click=${() => page.go(page.chat.direct(uid))}>${inside}</button>`}
    </li>`;
}
