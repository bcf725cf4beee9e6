// Which dialog is open, and how its work goes.

import { explain } from "./errors.js";

export class Dialogs {
  /** What is open: { name, room, filter, busy, error, … }, or null. */
  current = null;
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  /** `room` is the one that it is about, if any: what is on the page behind it may change meanwhile. */
  open(name, room = null) {
    this.#set({ name, room, filter: "", busy: false, error: null });
  }

  close() {
    this.#set(null);
  }

  /** Closes what is about a room that is gone. */
  keepIf(isThere) {
    if (this.current?.room && !isThere(this.current.room)) this.close();
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
