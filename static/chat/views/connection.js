// What the connection does, in words.

import { html, nothing } from "../lit.js";
import { t } from "../i18n.js";
import { emptyState, icon, onlyForReaders } from "./parts.js";

export function stateInWords({ state }) {
  return {
    connecting: t("Connecting…"),
    open: t("Online"),
    reconnecting: t("Offline"),
    closing: t("Closing…"),
    closed: t("Disconnected"),
  }[state];
}

/** How the frames travel, where that is not as it should be; a press says more. */
export function transportNote({ state, transport }) {
  if (state !== "open" || transport === "websocket") return nothing;
  const [name, why] = transportInWords(transport);
  return html`<details class="transport"><summary title=${why}>${name}</summary>${why}</details>`;
}

function transportInWords(transport) {
  if (transport === "polling") return [t("Polling"), t("WebSocket is blocked here, messages may come a few seconds later.")];
  return [t("Long polling"), t("WebSocket is blocked here, messages may come a moment later.")];
}

/** Something may come by itself before long. */
export const comes = ({ state }) => state === "connecting" || state === "open";

/** Nothing is known yet. A line above says what goes wrong and what to do. */
export function waiting(client) {
  if (comes(client)) return html`<div class="empty"><p class="loading">${t("Loading…")}</p></div>`;
  return emptyState({ name: "offline", title: t("No connection"), text: t("Your messages are here as soon as there is one.") });
}

/** The line above the timeline; nothing while all is well. The frame stays: only what changes in it is read out. */
export const connectionLine = (page) => html`<div role="status">${content(page)}</div>`;

function content(page) {
  const { client, outdated, ready } = page.chat;
  if (client.state === "open") return outdated ? line("refresh", t("The chat was updated."), reload()) : nothing;
  if (client.state === "reconnecting") return line("offline", countdown(client), button(t("Retry now"), () => client.wake()));
  if (client.state === "connecting") return ready ? line("refresh", t("Connecting…")) : nothing;
  if (client.why === "session") return line("lock", t("Your session has ended. What you wrote is kept."), page.boot.login ? link(t("Log in"), page.boot.login) : reload());
  if (client.why === "other") {
    return line("lock", t("Somebody else is logged in at this browser now. What you wrote is kept."), reload());
  }
  if (client.why === "forbidden") return line("lock", t("You may not use this chat."));
  return line("offline", t("The connection was closed."), button(t("Connect"), () => client.connect()));
}

// Every second is for the eye only; a reader hears once that the link is gone.
function countdown({ secondsToRetry }) {
  const text = t("Offline — retrying in {n} s", { n: secondsToRetry });
  return html`<span aria-hidden="true">${text}</span>${onlyForReaders(t("Offline"))}`;
}

const line = (name, text, action = nothing) => html`
  <div class="connection-line">${icon(name)}<span>${text}</span>${action}</div>`;

const button = (text, press) => html`<button type="button" class="link" @click=${press}>${text}</button>`;
const link = (text, href) => html`<a href=${href}>${text}</a>`;
const reload = () => button(t("Reload"), () => location.reload());
