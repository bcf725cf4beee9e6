// One conversation on the screen, in the page and in the widget: draws it when it changed, keeps the reader's place, and
// knows what counts as read. Subclasses say what is drawn (`view`) and what else happens around it.

import { Attention } from "./attention.js";
import { Chat } from "./chat.js";
import { ChatClient } from "./client.js";
import { systemClock } from "./clock.js";
import { t } from "./i18n.js";
import { Idleness, watchTouches } from "./idleness.js";
import { render } from "./lit.js";
import { Scroller } from "./scroller.js";
import { Settings } from "./settings.js";
import { Store, browserStorage } from "./store.js";
import { fitComposer } from "./views/composer.js";
import { inWords } from "./views/message.js";

const MINUTE = 60_000; // "5 min ago" gets older

export class Reading {
  /** Where the reader is: off the end; more than a screen off; how many unread ones are further up. */
  away = false;
  far = false;
  unreadAbove = 0;

  #scroller; #attention; #attentive; #idleness; #countdown; #minute;
  #drawn = true;
  #looking = false;
  #life = new AbortController();

  /** `attentive()` says if somebody looks; `client` are further options of `ChatClient`. */
  constructor({ boot, root, attentive, client = {} }) {
    this.boot = boot;
    this.root = root;
    this.#attentive = attentive;
    this.local = new Store(browserStorage("localStorage"), boot.uid);
    this.settings = new Settings(this.local);
    this.chat = new Chat({
      client: new ChatClient(boot.socket, { uid: boot.uid, signal: this.signal, ...client }),
      me: { uid: boot.uid, name: boot.name, avatar: boot.avatar },
      local: this.local,
      session: new Store(browserStorage("sessionStorage"), boot.uid),
      clock: systemClock,
    });
    this.#scroller = new Scroller({
      onMove: () => this.look(),
      onHole: (before) => this.chat.history.see(this.chat.current, before),
    });
    this.#attention = new Attention({
      clock: systemClock,
      attentive,
      read: (conversation, seq) => this.chat.markRead(conversation, seq),
    });
    this.#idleness = new Idleness({
      clock: systemClock,
      hidden: () => document.hidden,
      tell: (away) => this.chat.client.send("away", { away }),
    });
  }

  /** Ends what listens to the page for it. */
  get signal() {
    return this.#life.signal;
  }

  start() {
    const { chat, signal } = this;
    chat.on("change", () => this.draw());
    chat.on("mine", () => { this.#scroller.stuck = true; });
    chat.on("message", (conversation, message) => { if (conversation === chat.current) this.say(inWords(message)); });
    chat.on("unsent", ({ content }) => this.say(`${t("Not sent")}: ${content}`));
    chat.on("site", (name, data) => dispatchEvent(new CustomEvent(`legacy-chat:${name}`, { detail: data })));
    chat.client.on("login", () => this.#idleness.connected());
    chat.client.on("state", (state) => this.#count(state));
    watchTouches(this.#idleness, signal);
    for (const name of ["focus", "blur"]) addEventListener(name, () => this.look(), { signal });
    document.addEventListener("visibilitychange", () => this.#turned(), { signal });
    this.#minute = setInterval(() => document.hidden || this.draw(), MINUTE);
    chat.client.connect();
  }

  /** The page goes on without it. */
  end() {
    this.#drawn = false;
    this.#life.abort();
    clearInterval(this.#minute);
    this.chat.client.close();
  }

  // What the views call

  show(changes) {
    Object.assign(this, changes);
    this.draw();
  }

  get textLimit() {
    return this.chat.client.hello?.limits.text_chars ?? this.boot.text_chars;
  }

  get #draft() {
    return this.chat.current ? this.chat.draft(this.chat.current.key).trim() : "";
  }

  maySend() {
    return this.chat.client.why === null && this.#draft !== "" && [...this.#draft].length <= this.textLimit;
  }

  send() {
    if (this.maySend()) this.chat.send(this.#draft);
  }

  toEnd() {
    this.#scroller.toEnd();
    this.look();
    this.readyToWrite();
  }

  /** Back from somewhere else: on at the "New messages" line, if there is one. */
  comeBack() {
    if (this.chat.current?.unread) this.#scroller.comeBack();
  }

  async toUnread(conversation) {
    if (!this.#scroller.toDivider()) {
      await this.chat.history.unread(conversation).catch(() => {});
      this.paint();
      this.#scroller.toDivider();
    }
    this.look();
  }

  readyToWrite() {
    this.root.querySelector("#composer")?.focus();
  }

  /** To those who listen instead of looking. */
  say(words) {
    this.announcer.textContent = words;
  }

  // Drawing

  get unseen() {
    return document.hidden;
  }

  draw() {
    if (!this.#drawn) return;
    this.#drawn = false;
    // What is hidden gets no animation frames, but has to go on counting.
    if (this.unseen) setTimeout(() => this.paint());
    else requestAnimationFrame(() => this.paint());
  }

  paint() {
    this.#drawn = true;
    this.#scroller.beforeDraw();
    render(this.view(), this.root);
    const composer = this.root.querySelector("#composer");
    if (composer) fitComposer(composer);
    this.#scroller.attach(this.root.querySelector(".timeline"));
    this.#scroller.afterDraw(this.chat.current);
    this.painted();
    this.look();
  }

  /** What is to be done after each drawing. */
  painted() {}

  // A drawing that was due when the tab was hidden would wait for an animation frame until it is seen again.
  #turned() {
    this.look();
    if (document.hidden && !this.#drawn) this.paint();
  }

  // Looking: what is on the screen decides what counts as read and which buttons are of use.

  look() {
    const { chat } = this;
    const before = this.#looks();
    const attentive = this.#attentive();
    if (attentive && !this.#looking) this.unreadAbove ||= this.#missed();
    this.#looking = attentive;
    this.away = !this.#scroller.stuck;
    this.far = this.#scroller.far;
    if (this.#scroller.reachedDivider) this.unreadAbove = 0;
    chat.watched = attentive && !this.away;
    if (chat.current) this.#attention.sees(chat.current, this.#scroller.newestVisible());
    if (before !== this.#looks()) this.draw();
  }

  // What came while nobody looked may have run through above.
  #missed() {
    const { unread, read, timeline } = this.chat.current ?? { unread: 0 };
    return unread && timeline.dividerAfter === read ? unread : 0;
  }

  #looks() {
    return [this.away, this.far, this.unreadAbove, this.chat.watched].join();
  }

  #count(state) {
    clearInterval(this.#countdown);
    if (state === "reconnecting") this.#countdown = setInterval(() => this.draw(), 1000);
  }
}
