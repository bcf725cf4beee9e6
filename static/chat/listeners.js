// Who wants to hear what. The base of everything in the chat that changes.

export class Listeners {
  #byName = new Map();

  /** Calls `listen` at every `name` from now on; returns the function that ends it. */
  on(name, listen) {
    if (!this.#byName.has(name)) this.#byName.set(name, new Set());
    this.#byName.get(name).add(listen);
    return () => this.#byName.get(name).delete(listen);
  }

  tell(name, ...what) {
    for (const listen of [...(this.#byName.get(name) ?? [])]) {
      try {
        listen(...what);
      } catch (mistake) {
        // One listener's mistake is shown in the console and keeps the news from nobody else.
        queueMicrotask(() => { throw mistake; });
      }
    }
  }
}
