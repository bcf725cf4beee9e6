// Whether somebody sits before this page. Who has it hidden, or has touched nothing for a while, is away;
// the server puts all pages of a person together.

const IDLE = 5 * 60_000;

export class Idleness {
  away = false;

  #clock; #hidden; #tell; #timer;
  #touched; // when something was last touched, in ticks

  /** `hidden()` says whether the page can be seen; `tell(away)` hears of every change. */
  constructor({ clock, hidden, tell }) {
    this.#clock = clock;
    this.#hidden = hidden;
    this.#tell = tell;
    this.touched();
  }

  /** Somebody moved, typed, or looked at the page again. */
  touched() {
    this.#touched = this.#clock.ticks();
    // Everything that moves comes here, so that little is done.
    if (this.away || !this.#timer) this.look();
  }

  /** The page was shown or hidden, or it is time to look. */
  look() {
    this.#clock.clearTimeout(this.#timer);
    const left = this.#touched + IDLE - this.#clock.ticks();
    const away = this.#hidden() || left <= 0;
    this.#timer = away ? null : this.#clock.setTimeout(() => this.look(), left);
    if (away === this.away) return;
    this.away = away;
    this.#tell(away);
  }

  /** There is a new connection, and the server takes whoever comes to be here. */
  connected() {
    if (this.away) this.#tell(true);
  }

  /** Nobody is told any more. */
  end() {
    this.#clock.clearTimeout(this.#timer);
  }
}

const TOUCHES = ["pointermove", "pointerdown", "wheel", "keydown", "focus"];

/** Lets `idleness` hear of everything that a person does in this browser's page, until `signal` ends it. */
export function watchTouches(idleness, signal) {
  for (const name of TOUCHES) addEventListener(name, () => idleness.touched(), { capture: true, passive: true, signal });
  document.addEventListener("visibilitychange", () => (document.hidden ? idleness.look() : idleness.touched()), { signal });
  signal.addEventListener("abort", () => idleness.end());
}
