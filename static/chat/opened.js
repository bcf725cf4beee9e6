// The open widget: a panel above the button, with the chat in it, or with a frame around the chat of another origin.

import { isComposing } from "./keys.js";

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
.panel { display: none; box-sizing: border-box; inline-size: 380px; block-size: min(640px, 100dvh - 120px); margin-block-end: 12px;
  overflow: hidden; border: 1px solid light-dark(#d9dce3, #3a3d45); border-radius: 14px; background: light-dark(#fff, #191b20);
  color: light-dark(#1c2430, #e8eaee); box-shadow: 0 12px 40px #0005; }
:host([open]) .panel { display: block; }
:host([open]) #toggle::before { clip-path: path("M5 8.600 6.600 7 12 12.400 17.400 7 19 8.600 12 15.600z"); }
.panel > * { block-size: 100%; }
.edge { display: none; }
iframe { display: block; inline-size: 100%; border: 0; }
@media (max-width: 480px), (max-height: 420px) {
  :host([open]) { inset: 0 !important; }
  :host([open]) #toggle { display: none; }
  :host([open]) .edge { display: block; position: fixed; inset: 0 auto auto 0; }
  .panel { inline-size: 100%; block-size: var(--lc-height, 100dvh); margin: 0; border: 0; border-radius: 0; }
}`);

export async function show(host, base, unread) {
  const panel = panelOf(host);
  const { show: fill } = await import(host.foreign ? "./framed.js" : "./panel.js");
  return fill(panel, {
    base,
    unread,
    room: host.getAttribute("room"),
    lang: host.language.slice(0, 2).toLowerCase(),
    token: host.getAttribute("token") ?? undefined,
    tokenUrl: host.getAttribute("token-url"),
    login: host.getAttribute("login"),
    close: () => host.close(),
  });
}

function panelOf(host) {
  const root = host.shadowRoot;
  const toggle = root.querySelector("#toggle");
  const panel = root.querySelector(".panel") ?? document.createElement("div");
  if (panel.isConnected) return panel;
  Object.assign(panel, { className: "panel", id: "panel", role: "dialog", ariaLabel: toggle.ariaLabel });
  toggle.setAttribute("aria-controls", panel.id);
  toggle.before(edge(panel, -1), panel, edge(panel, 0));
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  root.addEventListener("keydown", (event) => { if (event.key === "Escape" && !isComposing(event)) host.close(); });
  return panel;
}

const STOPS = "a[href], button:enabled, select, textarea, summary, iframe, [tabindex='0']";

/** Where the panel covers the whole page, the Tab key goes round in it: nobody sees what lies below. */
function edge(panel, to) {
  const made = Object.assign(document.createElement("div"), { className: "edge", tabIndex: 0 });
  made.onfocus = () => [...panel.querySelectorAll(STOPS)].at(to)?.focus();
  return made;
}
