// What a person chose for this browser: colours, which key sends, and what makes itself noticed.

const THEME = "legacy-chat:theme"; // shared with theme.js, for everybody who uses this browser

export class Settings {
  #local;

  constructor(local) {
    this.#local = local;
  }

  /** "enter" or "ctrl-enter". */
  get sendWith() {
    return this.#local.get("send-with") ?? "enter";
  }

  set sendWith(mode) {
    this.#local.set("send-with", mode);
  }

  /** "on" or "off". */
  get sound() {
    return this.#local.shared("sound") ?? "on";
  }

  set sound(wish) {
    this.#local.set("sound", wish);
  }

  /** "on" or "off", where the browser allows them at all. */
  get notifications() {
    return this.#local.shared("notifications") ?? "on";
  }

  set notifications(wish) {
    this.#local.set("notifications", wish);
  }

  /** "auto", "light" or "dark". */
  get theme() {
    return document.documentElement.dataset.theme ?? "auto";
  }

  set theme(theme) {
    dispatchEvent(new CustomEvent("legacy-chat-theme", { detail: theme }));
    try {
      localStorage.setItem(THEME, theme);
    } catch {
      // It holds until the page is closed.
    }
  }
}
