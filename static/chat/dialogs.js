// Which dialog is open, and how its work goes.

import { explain } from "./errors.js";

export class Dialogs {
  /** What is open: { name, filter, busy, error, … }, or null. */
  current = null;
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  open(name) {
    this.#set({ name, filter: "", busy: false, error: null });
  }

  close() {
    this.#set(null);
  }

  change(changes) {
    if (this.current) this.#set({ ...this.current, ...changes });
  }

  /** Does what a dialog is for and closes it, or says in it what went wrong, in the words of `say`. */
  async attempt(act, say = explain) {
    this.change({ busy: true, error: null });
    try {
      await act();
      this.close();
    } catch (error) {
      this.change({ busy: false, error: say(error) });
    }
  }

  /** Shows what a promise brings, as the field of that name. */
  async fetch(name, promise) {
    try {
      this.change({ [name]: await promise });
    } catch (error) {
      this.change({ error: explain(error) });
    }
  }

  #set(current) {
    this.current = current;
    this.#changed();
  }
}
