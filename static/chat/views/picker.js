// A search box over a list, for the keyboard as much as for the pointer.

import { html, nothing } from "../lit.js";
import { t } from "../i18n.js";
import { matches } from "./sidebar.js";

/** Items are { words, view, pick }; `none` is said where there are none at all. */
export function picker(page, { label, items, none }) {
  const found = items.filter(({ words }) => matches({ title: words }, page.dialogs.current.filter));
  return html`
    <div class="picker" @keydown=${walk}>
      <input type="search" class="input" aria-label=${label} placeholder=${label} autofocus dir="auto"
        .value=${page.dialogs.current.filter} @input=${(event) => page.dialogs.change({ filter: event.target.value })}>
      ${found.length ? nothing : html`<p class="hint">${items.length ? t("Nothing found.") : none}</p>`}
      <ul>${found.map(({ view, pick }) => html`<li><button type="button" class="row" @click=${pick}>${view}</button></li>`)}</ul>
    </div>`;
}

function walk(event) {
  const buttons = [...event.currentTarget.querySelectorAll("button.row")];
  const at = buttons.indexOf(document.activeElement);
  if (event.key === "Enter" && at < 0 && !event.isComposing) buttons[0]?.click();
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  (buttons[at + step] ?? event.currentTarget.querySelector("input")).focus();
}
