// What a person chose for this browser: colours, and which key sends.

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

  /** "auto", "light" or "dark". */
  get theme() {
    return document.documentElement.dataset.theme ?? "auto";
  }

  set theme(theme) {
    dispatchEvent(new CustomEvent("legacy-chat:theme", { detail: theme }));
    try {
      localStorage.setItem(THEME, theme);
    } catch {
      // It holds until the page is closed.
    }
  }
}
