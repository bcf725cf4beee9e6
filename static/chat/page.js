// The chat page: starts the chat, draws it when it changed, and turns what a person does into calls.

import { askedFor, hashOf } from "./address.js";
import { Attention } from "./attention.js";
import { Chat } from "./chat.js";
import { ChatClient, systemClock } from "./client.js";
import { Dialogs } from "./dialogs.js";
import { t, useLanguage } from "./i18n.js";
import { shortcutOf } from "./keys.js";
import { html, render } from "./lit.js";
import { Idleness, watchTouches } from "./idleness.js";
import { Notices } from "./notices.js";
import { byPresence } from "./people.js";
import { idOf, isRoom } from "./protocol.js";
import { fitScreen } from "./screen.js";
import { Scroller } from "./scroller.js";
import { Settings } from "./settings.js";
import { Store, browserStorage } from "./store.js";
import { fitComposer } from "./views/composer.js";
import { dialog } from "./views/dialogs.js";
import { members } from "./views/members.js";
import { inWords } from "./views/message.js";
import { sidebar } from "./views/sidebar.js";
import { nameTab } from "./views/tab.js";
import { talk } from "./views/talk.js";
import { toasts } from "./views/toasts.js";

const WIDE = matchMedia("(min-width: 44rem)");
const ROOMY = matchMedia("(min-width: 72rem)");
const MINUTE = 60_000; // "5 min ago" gets older

const attentive = () => document.visibilityState === "visible" && document.hasFocus();

class Page {
  filter = "";
  membersShown = ROOMY.matches;
  dialogs = new Dialogs(() => this.draw());
  /** The conversation that the address asks for, which may not exist. */
  wanted = null;
  /** Where the reader is: off the end; more than a screen off; how many unread ones are further up. */
  away = false;
  far = false;
  unreadAbove = 0;

  #root; #local; #scroller; #attention; #idleness; #countdown;
  #drawn = true;

  constructor(boot, root) {
    this.boot = boot;
    this.#root = root;
    this.#local = new Store(browserStorage("localStorage"), boot.uid);
    this.settings = new Settings(this.#local);
    this.chat = new Chat({
      client: new ChatClient(boot.socket, { uid: boot.uid }),
      me: { uid: boot.uid, name: boot.name },
      local: this.#local,
      session: new Store(browserStorage("sessionStorage"), boot.uid),
      clock: systemClock,
    });
    this.notices = new Notices({
      chat: this.chat,
      settings: this.settings,
      clock: systemClock,
      attentive,
      changed: () => this.draw(),
      open: (key) => this.#bring(key),
    });
    this.#idleness = new Idleness({
      clock: systemClock,
      hidden: () => document.hidden,
      tell: (away) => this.chat.client.send("away", { away }),
    });
    this.#scroller = new Scroller({
      onMove: () => this.#look(),
      onHole: (before) => this.chat.history.see(this.chat.current, before),
    });
    this.#attention = new Attention({
      clock: systemClock,
      attentive,
      read: (conversation, seq) => this.chat.markRead(conversation, seq),
    });
  }

  start() {
    const { chat } = this;
    chat.on("change", () => this.draw());
    chat.on("mine", () => { this.#scroller.stuck = true; });
    chat.on("message", (conversation, message) => this.#announce(conversation, message));
    chat.on("unsent", ({ content }) => this.#say(`${t("Not sent")}: ${content}`));
    chat.on("site", (name, data) => dispatchEvent(new CustomEvent(`legacy-chat:${name}`, { detail: data })));
    chat.client.on("login", () => this.#idleness.connected());
    chat.client.on("login", () => this.#route());
    chat.client.on("state", (state) => this.#count(state));
    addEventListener("hashchange", () => this.#route());
    addEventListener("storage", ({ key }) => { this.#local.changed(key); this.draw(); });
    for (const name of ["focus", "blur"]) addEventListener(name, () => this.#look());
    document.addEventListener("visibilitychange", () => this.#turned());
    document.addEventListener("keydown", (event) => this.#pressed(event));
    watchTouches(this.#idleness);
    this.notices.watchTouches();
    fitScreen(this.#root);
    setInterval(() => document.hidden || this.draw(), MINUTE);
    chat.client.connect();
  }

  // What the views call

  show(changes) {
    Object.assign(this, changes);
    this.draw();
  }

  go(key) {
    location.hash = hashOf(key);
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
    this.#look();
    this.#readyToWrite();
  }

  async toUnread(conversation) {
    if (!this.#scroller.toDivider()) {
      await this.chat.history.unread(conversation).catch(() => {});
      this.#paint();
      this.#scroller.toDivider();
    }
    this.#look();
  }

  /** Everybody we have heard of but ourselves. */
  others() {
    return this.chat.people.all()
      .filter(({ uid }) => uid !== this.chat.me.uid)
      .sort(byPresence);
  }

  get welcome() {
    const { welcome } = this.chat;
    return welcome === this.#local.get("welcome-closed") ? null : welcome;
  }

  closeWelcome() {
    this.#local.set("welcome-closed", this.chat.welcome);
    this.draw();
  }

  choose(name, value) {
    this.settings[name] = value;
    this.draw();
  }

  mute({ key }, muted) {
    this.chat.mutes.set(key, muted);
    this.draw();
  }

  openDialog(name) {
    this.dialogs.open(name);
    if (name === "browse") this.dialogs.fetch("rooms", this.chat.publicRooms());
    if (name === "direct" || name === "invite") this.chat.loadEverybody();
  }

  // Drawing

  draw() {
    if (!this.#drawn) return;
    this.#drawn = false;
    // A hidden tab gets no animation frames, but its title has to go on counting.
    if (document.hidden) setTimeout(() => this.#paint());
    else requestAnimationFrame(() => this.#paint());
  }

  // A drawing that was due when the tab was hidden would wait for an animation frame until it is seen again.
  #turned() {
    this.#look();
    if (document.hidden && !this.#drawn) this.#paint();
  }

  #paint() {
    this.#drawn = true;
    this.#scroller.beforeDraw();
    render(html`${sidebar(this)}${talk(this)}${members(this)}${dialog(this)}${toasts(this)}`, this.#root);
    this.#root.dataset.pane = this.wanted === null ? "list" : "talk";
    const composer = this.#root.querySelector("#composer");
    if (composer) fitComposer(composer);
    this.#scroller.attach(this.#root.querySelector(".timeline"));
    this.#scroller.afterDraw(this.chat.current);
    this.#syncDialog();
    this.#look();
    nameTab(this.chat.current, this.chat.totalUnread + this.notices.toasts.unseen);
  }

  #syncDialog() {
    const element = this.#root.querySelector("#dialog");
    if (this.dialogs.current && !element.open) element.showModal();
    if (!this.dialogs.current && element.open) element.close();
  }

  // Looking: what is on the screen decides what counts as read and which buttons are of use.

  #look() {
    const { chat } = this;
    this.notices.look();
    const before = [this.away, this.far, this.unreadAbove, chat.watched].join();
    this.away = !this.#scroller.stuck;
    this.far = this.#scroller.far;
    if (this.#scroller.reachedDivider) this.unreadAbove = 0;
    chat.watched = attentive() && !this.away;
    if (chat.current) this.#attention.sees(chat.current, this.#scroller.newestVisible());
    if (before !== [this.away, this.far, this.unreadAbove, chat.watched].join()) this.draw();
  }

  #announce(conversation, message) {
    if (conversation === this.chat.current) this.#say(inWords(message));
  }

  // To those who listen instead of looking.
  #say(words) {
    document.querySelector("#announcer").textContent = words;
  }

  // Going from one conversation to another: the address is the truth, so links, reload and "back" work.

  #route() {
    const { chat } = this;
    if (!chat.ready) return;
    let key = askedFor(location.hash);
    if (key === null && this.wanted === null && WIDE.matches) key = this.#somethingToOpen();
    if (key !== null && !isRoom(key)) chat.direct(idOf(key));
    const before = chat.current;
    this.wanted = key;
    chat.open(key);
    if (chat.current?.unread) this.unreadAbove = chat.current.unread;
    if (chat.current !== before) this.#entered();
    this.draw();
  }

  // From a toast or from outside of the page.
  #bring(key) {
    globalThis.focus();
    if (key) this.go(key);
  }

  #somethingToOpen() {
    const { conversations, rooms, directs } = this.chat;
    const last = this.#local.get("last");
    const key = conversations.has(last) ? last : [...rooms, ...directs][0]?.key ?? null;
    if (key) location.replace(hashOf(key));
    return key;
  }

  #entered() {
    const { current } = this.chat;
    if (!current) return;
    this.#local.set("last", current.key);
    this.#paint();
    this.#readyToWrite();
  }

  // On a phone the keyboard would hide what one came to read.
  #readyToWrite() {
    if (WIDE.matches) this.#root.querySelector("#composer").focus();
  }

  #pressed(event) {
    const inText = event.target.matches("input, textarea");
    const act = {
      switcher: () => this.openDialog("switcher"),
      shortcuts: () => this.openDialog("shortcuts"),
      previous: () => this.#step(-1),
      next: () => this.#step(1),
      "read-all": () => this.chat.markAllRead(),
    }[shortcutOf(event, { inText })];
    if (!act) return;
    event.preventDefault();
    act();
  }

  #step(by) {
    const { rooms, directs, current } = this.chat;
    const all = [...rooms, ...directs];
    const next = all[all.indexOf(current) + by];
    if (next) this.go(next.key);
  }

  #count(state) {
    clearInterval(this.#countdown);
    if (state === "reconnecting") this.#countdown = setInterval(() => this.draw(), 1000);
  }
}

const boot = JSON.parse(document.querySelector("#chat-boot").textContent);
useLanguage(boot.lang, boot.messages);
new Page(boot, document.querySelector("#chat")).start();
