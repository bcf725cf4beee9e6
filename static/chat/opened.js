// The open widget: a panel above the button, with the chat in it, or with a frame around the chat of another origin.

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
.panel { display: none; box-sizing: border-box; inline-size: 380px; block-size: min(640px, 100dvh - 120px); margin-block-end: 12px;
  overflow: hidden; border: 1px solid light-dark(#d9dce3, #3a3d45); border-radius: 14px; background: light-dark(#fff, #191b20);
  color: light-dark(#1c2430, #e8eaee); box-shadow: 0 12px 40px #0005; }
:host([open]) .panel { display: block; }
.panel > * { block-size: 100%; }
iframe { display: block; inline-size: 100%; border: 0; }
@media (max-width: 480px), (max-height: 420px) {
  :host([open]) { inset: 0 !important; }
  :host([open]) #toggle { display: none; }
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
  toggle.before(panel);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  root.addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.isComposing) host.close(); });
  return panel;
}
