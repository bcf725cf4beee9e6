// A message is read when it stood before somebody's eyes for half a second, not when it arrived.

const LONG_ENOUGH = 500;

export class Attention {
  #clock; #attentive; #read;
  #timer = null;
  #seen = null; // { conversation, seq }

  /** `attentive()` says if the page is visible and focused; `read(conversation, seq)` is told the result. */
  constructor({ clock, attentive, read }) {
    this.#clock = clock;
    this.#attentive = attentive;
    this.#read = read;
  }

  /** The newest number of a conversation that is on the screen now; to be called whenever that may have changed. */
  sees(conversation, seq) {
    if (this.#seen?.conversation !== conversation || !this.#attentive()) this.#stop();
    this.#seen = { conversation, seq };
    if (!this.#attentive() || seq <= conversation.read) return;
    this.#timer ??= this.#clock.setTimeout(() => this.#done(), LONG_ENOUGH);
  }

  #done() {
    this.#timer = null;
    if (this.#attentive()) this.#read(this.#seen.conversation, this.#seen.seq);
  }

  #stop() {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
