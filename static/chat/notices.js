// What makes itself noticed: pushes of the site, and messages that nobody has before their eyes. A toast in the page,
// a sound, the browser's notification; quiet for what is muted, and one tab speaks for all.

import { Alerts } from "./alerts.js";
import { Chime, unlockByTouch } from "./chime.js";
import { Notifier } from "./notifier.js";
import { t } from "./i18n.js";
import { Toasts } from "./toasts.js";

const NOTIFIED = 240; // characters; more is cut by every system

const tabsOf = ({ uid }) => (globalThis.BroadcastChannel ? new BroadcastChannel(`legacy-chat:${uid}`) : null);

export class Notices {
  toasts = new Toasts();
  #chat; #settings; #attentive; #changed; #open; #alerts; #chime; #notifier;

  /** `attentive()`: the page is visible and focused; `open(key)` shows a conversation, or just the page for null. */
  constructor({ chat, settings, clock, attentive, changed, open, channel = tabsOf(chat.me), chime, notifier }) {
    this.#chat = chat;
    this.#settings = settings;
    this.#attentive = attentive;
    this.#changed = changed;
    this.#open = open;
    this.#chime = chime ?? new Chime({ clock });
    this.#notifier = notifier ?? new Notifier();
    const act = { sound: () => this.#chime.play(), notify: (news) => this.#notify(news) };
    this.#alerts = new Alerts({ clock, channel, act });
    chat.on("push", (push) => this.#pushed(push));
    chat.on("message", (conversation, message) => this.#written(conversation, message));
  }

  /** From the first touch of the page on it may sound. */
  watchTouches() {
    unlockByTouch(this.#chime);
  }

  // What the settings show

  get permission() {
    return this.#notifier.permission;
  }

  /** After a click on it, and never else. */
  async askPermission() {
    await this.#notifier.ask();
    this.#changed();
  }

  tryOut() {
    this.#chime.unlock();
    return this.#chime.play();
  }

  // What is on the page

  close(id) {
    this.toasts.close(id);
    this.#changed();
  }

  openToast({ id, key }) {
    this.toasts.close(id);
    this.#open(key);
    this.#changed();
  }

  /** Somebody may be looking now. */
  look() {
    if (!this.#attentive()) return;
    this.#notifier.clear();
    if (this.toasts.look()) this.#changed();
  }

  #pushed({ content, key, seq }) {
    this.toasts.add({ content, key }, { seen: this.#attentive() });
    // A stored one also comes as a message, and is the same piece of news.
    this.#raise(key ? `${key} ${seq}` : `push ${content}`, { key, title: t("Chat"), body: content });
  }

  #written({ key, title, isRoom, read }, { seq, name, content }) {
    if (seq <= read) return;
    this.#raise(`${key} ${seq}`, { key, title, body: isRoom ? t("{name}: {text}", { name, text: content }) : content });
  }

  #raise(name, news) {
    if (news.key && this.#chat.mutes.has(news.key)) return;
    const focused = this.#attentive();
    const bid = {
      focused,
      seen: focused && Boolean(news.key) && this.#chat.current?.key === news.key,
      sound: this.#settings.sound === "on" && this.#chime.able,
      notify: this.#settings.notifications === "on" && this.permission === "granted",
    };
    this.#alerts.raise(name, bid, news);
  }

  #notify({ key, title, body }) {
    const tag = `legacy-chat ${this.#chat.me.uid} ${key ?? body}`;
    this.#notifier.show({ title, body: [...body].slice(0, NOTIFIED).join(""), tag, opened: () => this.#open(key) });
  }
}
