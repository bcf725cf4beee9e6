// What the browser keeps for one person: settings, drafts, unsent messages. A browser that refuses
// to keep anything (private windows, full disks) still gets a chat that works until it is closed.

export class Store {
  #backend; #prefix;
  #memory = new Map();

  constructor(backend, owner) {
    this.#backend = backend;
    this.#prefix = `legacy-chat:${owner}:`;
  }

  get(name) {
    if (this.#memory.has(name)) return this.#memory.get(name);
    try {
      return JSON.parse(this.#backend.getItem(this.#prefix + name));
    } catch {
      return null;
    }
  }

  set(name, value) {
    this.#memory.set(name, value);
    try {
      if (value === null) this.#backend.removeItem(this.#prefix + name);
      else this.#backend.setItem(this.#prefix + name, JSON.stringify(value));
    } catch {
      // It stays in memory.
    }
  }
}
