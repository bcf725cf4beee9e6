// The keys, for those who ask with "?".

import { html } from "../lit.js";
import { t } from "../i18n.js";
import { heading } from "./parts.js";

export function shortcuts(page) {
  const other = page.settings.sendWith === "enter" ? ["Shift+Enter"] : ["Enter"];
  const send = page.settings.sendWith === "enter" ? ["Enter"] : ["Ctrl+Enter"];
  const keys = [
    [send, t("Send the message")],
    [other, t("New line")],
    [["Ctrl+K"], t("Go to a conversation")],
    [["Alt+↑", "Alt+↓"], t("Previous or next conversation")],
    [["Shift+Esc"], t("Mark everything as read")],
    [["↑", "↓"], t("Walk through the messages")],
    [["?"], t("This list")],
  ];
  return html`
    ${heading(page, t("Keyboard shortcuts"))}
    <dl class="shortcuts">${keys.map(([names, meaning]) => html`
      <div><dt>${names.map((name) => html`<kbd>${name}</kbd> `)}</dt><dd>${meaning}</dd></div>`)}
    </dl>`;
}
