// What the browser keeps for one person: settings, drafts, unsent messages. A browser that refuses
// to keep anything (private windows, full disks) still gets a chat that works until it is closed.

/** `localStorage` or `sessionStorage`; some browsers forbid even to look at them. */
export function browserStorage(name, browser = globalThis) {
  try {
    return browser[name];
  } catch {
    return null;
  }
}

export class Store {
  #backend; #prefix;
  #memory = new Map();
  #shared = new Set();

  constructor(backend, owner) {
    this.#backend = backend;
    this.#prefix = `legacy-chat:${owner}:`;
  }

  /** What another tab keeps later does not change what was looked at here: nobody's draft is rewritten. */
  get(name) {
    if (!this.#memory.has(name)) this.#memory.set(name, this.#read(name));
    return this.#memory.get(name);
  }

  /** As `get`, but what another tab keeps holds here as well, as it should for settings: see `changed`. */
  shared(name) {
    this.#shared.add(name);
    return this.get(name);
  }

  /** The browser tells that another tab changed this `key`, or all of them (null). */
  changed(key) {
    for (const name of this.#shared) if (key === null || key === this.#prefix + name) this.#memory.delete(name);
  }

  set(name, value) {
    this.#memory.set(name, value);
    try {
      if (value === null) this.#remove(name);
      else this.#backend.setItem(this.#prefix + name, JSON.stringify(value));
    } catch {
      this.#remove(name); // it stays in memory, and what it replaces is of no use
    }
  }

  #read(name) {
    try {
      return JSON.parse(this.#backend.getItem(this.#prefix + name));
    } catch {
      return null;
    }
  }

  #remove(name) {
    try {
      this.#backend.removeItem(this.#prefix + name);
    } catch {
      // There never was anything.
    }
  }
}
