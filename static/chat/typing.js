// Who is typing, by conversation, and how often we say so ourselves.

const EXPIRES = 6_000;
const SAY_EVERY = 3_000;

export class TypingTracker {
  #typists = new Map(); // uid → { name, timer }
  #clock; #changed;

  constructor(clock, changed) {
    this.#clock = clock;
    this.#changed = changed;
  }

  get names() {
    return [...this.#typists.values()].map(({ name }) => name);
  }

  started({ uid, name }) {
    this.#clock.clearTimeout(this.#typists.get(uid)?.timer);
    this.#typists.set(uid, { name, timer: this.#clock.setTimeout(() => this.stopped(uid), EXPIRES) });
    this.#changed();
  }

  stopped(uid) {
    if (!this.#typists.has(uid)) return;
    this.#clock.clearTimeout(this.#typists.get(uid).timer);
    this.#typists.delete(uid);
    this.#changed();
  }
}

export class TypingSpeaker {
  #clock; #say;
  #quietUntil = -Infinity;

  constructor(clock, say) {
    this.#clock = clock;
    this.#say = say;
  }

  typed() {
    if (this.#clock.ticks() < this.#quietUntil) return;
    this.#quietUntil = this.#clock.ticks() + SAY_EVERY;
    this.#say();
  }

  /** The message is gone; the next word is news again. */
  sent() {
    this.#quietUntil = -Infinity;
  }
}
