// The chat in a corner of any page. Until somebody opens it, this file is all that is loaded:
//   <script type="module" src="/chat/static/widget.js"></script>
//   <legacy-chat room="support" hidden></legacy-chat>

const CHAT = new URL("../", import.meta.url);
const OPEN = "legacy-chat:open";
const LOOK_EVERY = 60_000;
const WORDS = {
  en: { chat: "Chat", unread: "unread", failed: "The chat could not be loaded. Try again." },
  zh: { chat: "聊天", unread: "条未读", failed: "聊天加载失败，请重试。" },
};

// What a page says of all elements (`* { … !important }`) would count for ours as well.
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host { all: initial !important; position: fixed !important; z-index: var(--lc-widget-z, 2147483000) !important;
  inset: auto !important; inset-block-end: var(--lc-widget-bottom, 20px) !important; inset-inline-end: var(--lc-widget-side, 20px) !important;
  color-scheme: var(--lc-widget-scheme, inherit) !important;
  font: 15px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", sans-serif !important; --lc-hue: 221; }
:host([side="left"]) { inset-inline: var(--lc-widget-side, 20px) auto !important; }
:host([hidden]) { display: none !important; }
#toggle { position: relative; display: block; inline-size: 56px; block-size: 56px; margin-inline-start: auto; padding: 16px; border: 0;
  border-radius: 50%; background: hsl(var(--lc-hue) 64% 46%); color: #fff; cursor: pointer; box-shadow: 0 4px 16px #0004; }
:host([side="left"]) #toggle { margin: 0; }
#toggle::before { content: ""; display: block; block-size: 24px; background: #fff; forced-color-adjust: none;
  clip-path: path(evenodd, "M12 2C6 2 1 6 1 11.5c0 2.7 1.200 5 3.200 6.700L3 23l5.200-2.400c9 2.500 14.800-3 14.800-9.100S18 2 12 2zM6 10h2.500v2.500H6zM10.700 10h2.500v2.500h-2.500zM15.500 10H18v2.500h-2.500z"); }
:focus-visible { outline: 3px solid light-dark(#111, #fff); outline-offset: 2px; }
#badge { position: absolute; inset-block-start: -4px; inset-inline-end: -4px; min-inline-size: 22px; padding: 0 6px; border-radius: 11px;
  box-sizing: border-box; background: #c62828; font: 600 13px/22px system-ui; text-align: center; }
#badge:empty { display: none; }
@media print { :host { display: none !important; } }`);

const make = (tag, id) => Object.assign(document.createElement(tag), { id });

class LegacyChat extends HTMLElement {
  #toggle = make("button", "toggle");
  #badge = make("span", "badge");
  #content = null; #timer;

  async connectedCallback() {
    if (!this.shadowRoot) {
      this.attachShadow({ mode: "open" }).append(this.#toggle);
      this.shadowRoot.adoptedStyleSheets = [sheet];
      this.#toggle.append(this.#badge);
      this.#toggle.onclick = () => (this.hasAttribute("open") ? this.close() : this.open());
    }
    this.#count(0);
    this.#timer = setInterval(this.#look, LOOK_EVERY);
    document.addEventListener("visibilitychange", this.#look);
    this.hidden = !this.foreign;
    await this.#look();
    if (this.hidden || !this.isConnected) return;
    if (kept()) this.open({ focus: false });
    else if (this.hasAttribute("greeting")) import("./greeting.js").then(({ greet }) => greet(this), () => {});
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
    document.removeEventListener("visibilitychange", this.#look);
    setTimeout(() => this.isConnected || this.#tell("end")); // or was it only moved?
  }

  get language() {
    return this.closest("[lang]")?.getAttribute("lang") || navigator.language;
  }

  get foreign() {
    return CHAT.origin !== location.origin || this.hasAttribute("token") || this.hasAttribute("token-url");
  }

  async open({ focus = true } = {}) {
    this.#become(true);
    try {
      this.#content ??= import("./opened.js").then(({ show }) => show(this, CHAT, (count) => this.#count(count)));
      (await this.#content).opened({ focus });
    } catch (mistake) {
      this.#content = null;
      this.#become(false);
      this.#badge.textContent = "!";
      this.#toggle.title = this.#words.failed;
      console.error(mistake);
    }
  }

  close() {
    if (!this.hasAttribute("open")) return;
    this.#become(false);
    this.#tell("closed");
    this.#toggle.focus();
  }

  #become(open) {
    this.toggleAttribute("open", open);
    this.#toggle.ariaExpanded = open;
    kept(open ? 1 : "");
  }

  #tell(what) {
    this.#content?.then((content) => content[what](), () => {});
    if (what === "end") this.#content = null;
  }

  get #words() {
    return WORDS[/^zh/i.test(this.language) ? "zh" : "en"];
  }

  #count(unread) {
    const { chat, unread: word } = this.#words;
    this.#badge.textContent = unread > 99 ? "99+" : unread || "";
    this.#toggle.title = "";
    this.#toggle.ariaLabel = unread ? `${chat} (${unread} ${word})` : chat;
  }

  // A closed widget has no connection, so it asks now and then.
  #look = async () => {
    if ((this.#content && !this.hidden) || this.foreign || document.hidden) return;
    const asked = new URL("unread", CHAT);
    asked.search = new URLSearchParams({ room: this.getAttribute("room") ?? "" });
    const answer = await fetch(asked).catch(() => null);
    if (!answer?.ok) return;
    this.hidden = answer.status === 204; // nobody is logged in
    if (!this.hidden && !this.#content) this.#count((await answer.json()).unread);
  };
}

/** Keeps whether it is open in this tab, or tells. */
function kept(open) {
  try {
    return open === undefined ? sessionStorage.getItem(OPEN) : sessionStorage.setItem(OPEN, open);
  } catch {
    return null; // a browser that keeps nothing
  }
}

customElements.define("legacy-chat", LegacyChat);
