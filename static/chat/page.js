// The chat page: starts the chat, draws it when it changed, and turns what a person does into calls.

import { askedFor, hashOf } from "./address.js";
import { systemClock } from "./clock.js";
import { Dialogs } from "./dialogs.js";
import { useLanguage } from "./i18n.js";
import { isComposing, shortcutOf } from "./keys.js";
import { html } from "./lit.js";
import { Notices } from "./notices.js";
import { byPresence } from "./people.js";
import { idOf, isRoom } from "./protocol.js";
import { Reading } from "./reading.js";
import { fitScreen } from "./screen.js";
import { dialog } from "./views/dialogs.js";
import { members } from "./views/members.js";
import { sidebar } from "./views/sidebar.js";
import { nameTab } from "./views/tab.js";
import { talk } from "./views/talk.js";
import { toasts } from "./views/toasts.js";

const WIDE = matchMedia("(min-width: 44rem)");
const ROOMY = matchMedia("(min-width: 72rem)");

const attentive = () => document.visibilityState === "visible" && document.hasFocus();

class Page extends Reading {
  filter = "";
  membersShown = ROOMY.matches;
  dialogs = new Dialogs(() => this.draw());
  announcer = document.querySelector("#announcer");
  /** The conversation that the address asks for, which may not exist. */
  wanted = null;

  #dialogShown = null;

  constructor(boot, root) {
    super({ boot, root, attentive });
    this.notices = new Notices({
      chat: this.chat,
      settings: this.settings,
      clock: systemClock,
      attentive,
      changed: () => this.draw(),
      open: (key) => this.#bring(key),
    });
  }

  start() {
    const { client } = this.chat;
    client.on("login", () => this.#route());
    this.chat.on("change", () => this.dialogs.keepIf((room) => this.chat.has(room)));
    addEventListener("hashchange", () => this.#route());
    addEventListener("storage", ({ key }) => { this.local.changed(key); this.draw(); });
    document.addEventListener("keydown", (event) => this.#pressed(event));
    this.notices.watchTouches();
    // Where they would lie over the talk, they wait to be asked for.
    ROOMY.addEventListener("change", ({ matches }) => this.show({ membersShown: matches }));
    // The talk below them takes no clicks then.
    this.root.addEventListener("click", ({ target }) => { if (this.membersAbove && target === this.root) this.showMembers(false); });
    WIDE.addEventListener("change", () => this.draw());
    fitScreen(this.root, this.signal);
    super.start();
  }

  // What the views call

  go(key) {
    location.hash = hashOf(key);
  }

  /** Everybody we have heard of but ourselves. */
  others() {
    return this.chat.people.all()
      .filter(({ uid }) => uid !== this.chat.me.uid)
      .sort(byPresence);
  }

  /** A phone shows the list without the talk beside it. */
  get listAlone() {
    return this.wanted === null && !WIDE.matches;
  }

  get welcome() {
    const { welcome } = this.chat;
    return welcome === this.local.get("welcome-closed") ? null : welcome;
  }

  closeWelcome() {
    this.local.set("welcome-closed", this.chat.welcome);
    this.draw();
    this.root.querySelector(WIDE.matches ? "#composer" : ".timeline")?.focus();
  }

  /** The members lie above the talk, which waits below. */
  get membersAbove() {
    return this.membersShown && !ROOMY.matches && Boolean(this.chat.current?.isRoom);
  }

  showMembers(membersShown) {
    this.membersShown = membersShown;
    this.paint();
    if (!membersShown) this.root.querySelector("[aria-controls=members]")?.focus();
    if (this.membersAbove) this.root.querySelector("#members button")?.focus();
  }

  choose(name, value) {
    this.settings[name] = value;
    this.draw();
  }

  mute({ key }, muted) {
    this.chat.mutes.set(key, muted);
    this.draw();
  }

  openDialog(name, room = null) {
    this.dialogs.open(name, room);
    if (name === "browse") this.dialogs.fetch("rooms", this.chat.publicRooms());
    if (name === "direct" || name === "invite") this.chat.loadEverybody();
  }

  // Drawing

  view() {
    return html`${sidebar(this)}${talk(this)}${members(this)}${dialog(this)}${toasts(this)}`;
  }

  painted() {
    this.root.dataset.pane = this.wanted === null ? "list" : "talk";
    this.#syncDialog();
    nameTab(this.chat.current, this.chat.totalUnread + this.notices.toasts.unseen);
  }

  #syncDialog() {
    const element = this.root.querySelector("#dialog");
    const name = this.dialogs.current?.name ?? null;
    if (name && !element.open) element.showModal();
    else if (name && name !== this.#dialogShown) (element.querySelector("[autofocus]") ?? element.querySelector("button")).focus();
    if (!name && element.open) element.close();
    this.#dialogShown = name;
  }

  look() {
    this.notices.look();
    super.look();
  }

  // Going from one conversation to another: the address is the truth, so links, reload and "back" work.

  #route() {
    const { chat } = this;
    if (!chat.ready) return;
    let key = askedFor(location.hash);
    if (key === null && this.wanted === null && WIDE.matches) key = this.#somethingToOpen();
    if (key !== null && !isRoom(key)) chat.direct(idOf(key));
    const before = chat.current;
    const wantedBefore = this.wanted;
    this.wanted = key;
    chat.open(key);
    if (chat.current !== before) this.#left();
    if (chat.current?.unread) this.unreadAbove = chat.current.unread;
    if (chat.current !== before) this.#entered();
    if (key === null && wantedBefore !== null) this.#backToList(wantedBefore);
    this.draw();
  }

  // What had the focus is gone: on at the row that one came from, or at the way to other rooms.
  #backToList(from) {
    this.paint();
    const { activeElement } = document;
    if (activeElement !== document.body && activeElement.checkVisibility()) return;
    const row = [...this.root.querySelectorAll(".sidebar a.row")].find((link) => link.getAttribute("href") === hashOf(from));
    (row ?? this.root.querySelector(this.listAlone ? ".section-head button" : ".empty button"))?.focus();
  }

  // From a toast or from outside of the page.
  #bring(key) {
    globalThis.focus();
    if (key) this.go(key);
  }

  #somethingToOpen() {
    const { conversations, rooms, directs } = this.chat;
    const last = this.local.get("last");
    const key = conversations.has(last) ? last : [...rooms, ...directs][0]?.key ?? null;
    if (key) location.replace(hashOf(key));
    return key;
  }

  // What belonged to the conversation before: its count, and a question about it.
  #left() {
    this.unreadAbove = 0;
    if (this.dialogs.current?.room) this.dialogs.close();
  }

  #entered() {
    const { current } = this.chat;
    if (!current) return;
    this.local.set("last", current.key);
    this.membersShown &&= ROOMY.matches;
    this.paint();
    this.readyToWrite();
  }

  // On a phone the keyboard would hide what one came to read.
  readyToWrite() {
    if (WIDE.matches) super.readyToWrite();
  }

  #pressed(event) {
    if (this.dialogs.current) return; // what is behind it stays as it is
    if (event.key === "Escape" && !event.shiftKey && !isComposing(event)) this.#escaped(event);
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

  // Out of what one is in: the members above the talk, or its messages.
  #escaped({ target }) {
    if (this.membersAbove) this.showMembers(false);
    else if (target.closest(".timeline")) this.root.querySelector("#composer")?.focus();
  }

  #step(by) {
    const { rooms, directs, current } = this.chat;
    const all = [...rooms, ...directs];
    const next = all[all.indexOf(current) + by];
    if (next) this.go(next.key);
  }
}

const boot = JSON.parse(document.querySelector("#chat-boot").textContent);
useLanguage(boot.lang, boot.messages);
new Page(boot, document.querySelector("#chat")).start();
