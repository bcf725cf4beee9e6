// What the widget shows once it is open: one room, or what its person talks about, with a choice.

import { hashOf } from "./address.js";
import { t, useLanguage } from "./i18n.js";
import { render } from "./lit.js";
import { roomKey } from "./protocol.js";
import { Reading } from "./reading.js";
import { fitScreen } from "./screen.js";
import { dress } from "./shadow.js";
import { panel, stranger } from "./views/panel.js";

const TOUCH = matchMedia("(pointer: coarse)");
const KEPT_OUT = [401, 403];

/**
 * Puts the chat into `root`. `tokens()` gives a signed token where the site's own cookie does not come along, null where
 * nobody is logged in; `login` is where one logs in, if that is not known here; `focused()` says if the page has the focus.
 */
export async function show(root, wishes) {
  const [boot] = await Promise.all([askBoot(wishes), dress(root, wishes.base)]);
  useLanguage(boot.lang, boot.messages);
  const frame = document.createElement("div");
  const body = document.createElement("div");
  const announcer = document.createElement("p");
  frame.className = "widget";
  body.className = "widget-body";
  Object.assign(announcer, { className: "visually-hidden", role: "status", ariaLive: "polite" });
  frame.append(icons(boot), body, announcer);
  root.replaceChildren(frame);
  if (!boot.uid) return new Stranger(body, boot, wishes);
  const shown = new Panel({ boot, root: body, announcer, ...wishes });
  fitScreen(root, shown.signal);
  shown.start();
  return shown;
}

async function askBoot({ base, lang, tokens, login }) {
  const token = await tokens?.();
  const url = new URL("boot", base);
  if (lang) url.searchParams.set("lang", lang);
  const how = token === undefined
    ? {}
    : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }) };
  const answer = await fetch(url, { cache: "no-store", ...how });
  if (!answer.ok && !KEPT_OUT.includes(answer.status)) throw new Error(`the chat answered ${answer.status}`);
  const boot = await answer.json();
  // A page with tokens of its own is not the site of this chat, and has its login elsewhere.
  const there = typeof login === "function" ? login() : login;
  return { ...boot, token, login: there ?? (token === undefined ? boot.login : null) };
}

function icons(boot) {
  const drawn = new DOMParser().parseFromString(boot.icons, "text/html").body;
  const kept = document.createDocumentFragment();
  kept.append(...drawn.children);
  return kept;
}

/** Nobody is logged in, or not any more. */
class Stranger {
  #root; #boot; #wishes;

  constructor(root, boot, wishes) {
    this.#root = root;
    this.#boot = boot;
    this.#wishes = wishes;
    render(stranger(boot, () => wishes.close()), root);
  }

  opened({ focus }) {
    if (focus) (this.#root.querySelector("a") ?? this.#root.querySelector("button")).focus();
  }

  closed() {}

  end() {
    this.#root.replaceChildren();
  }
}

class Panel extends Reading {
  problem = null;
  open = false;

  #room; #unread; #close; #tokens;
  #eager = false; // to write, as soon as there is something to write in
  #renewed = false;

  constructor({ boot, root, announcer, base, room, tokens, unread, close, focused = () => document.hasFocus() }) {
    const attentive = () => this.open && document.visibilityState === "visible" && focused();
    super({ boot, root, attentive, client: { token: boot.token } });
    this.announcer = announcer;
    this.full = boot.token ? null : new URL(hashOf(room ? roomKey(room) : null), base).href;
    this.#room = room;
    this.#unread = unread;
    this.#close = close;
    this.#tokens = boot.token && tokens;
  }

  start() {
    const { client } = this.chat;
    client.on("login", () => this.#enter());
    client.on("state", (state) => { if (state === "closed" && client.why === "session") this.#renew(); });
    super.start();
    this.draw();
  }

  /** The widget was opened or closed around us; closed, the chat goes on counting. */
  opened({ focus }) {
    this.open = true;
    this.#eager = focus;
    this.comeBack();
    this.paint();
  }

  closed() {
    this.open = this.#eager = false;
    this.paint();
  }

  get unseen() {
    return document.hidden || !this.open;
  }

  close() {
    this.#close();
  }

  /** What one may choose from, where the site did not choose. */
  get choices() {
    const { rooms, directs } = this.chat;
    return this.#room ? [] : [...rooms, ...directs];
  }

  go(key) {
    const { chat } = this;
    chat.open(key);
    this.unreadAbove = chat.current?.unread ?? 0;
    this.local.set("widget-last", key);
    this.draw();
  }

  view() {
    return panel(this);
  }

  painted() {
    const { chat } = this;
    if (chat.ready) this.#unread(this.#room ? this.#unreadOf(roomKey(this.#room)) : chat.totalUnread);
    if (this.#eager && this.root.querySelector("#composer")) this.readyToWrite();
  }

  /** On a phone the keyboard would hide what one came to read. */
  readyToWrite() {
    this.#eager = false;
    if (TOUCH.matches) this.root.querySelector("button")?.focus();
    else super.readyToWrite();
  }

  #unreadOf(key) {
    const conversation = this.chat.conversations.get(key);
    return conversation ? this.chat.unreadOf(conversation) : 0;
  }

  async #enter() {
    const { chat } = this;
    this.#renewed = false;
    if (chat.current) return;
    const key = this.#room ? roomKey(this.#room) : this.#lastOrFirst();
    try {
      if (this.#room && !chat.conversations.has(key)) await chat.join(this.#room);
      this.problem = null;
      if (key) this.go(key);
    } catch ({ code }) {
      if (code !== "offline") this.problem = t("It may be private, or it does not exist.");
      this.draw();
    }
  }

  #lastOrFirst() {
    const last = this.local.get("widget-last");
    return this.chat.conversations.has(last) ? last : this.choices[0]?.key ?? null;
  }

  // A token lives shorter than a page.
  async #renew() {
    const { client } = this.chat;
    if (this.#renewed || !this.#tokens) return;
    this.#renewed = true;
    const token = await this.#tokens();
    if (!token || token === client.token) return;
    client.token = token;
    client.connect();
  }
}
