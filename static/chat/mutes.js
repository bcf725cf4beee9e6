// The conversations that make no noise in this browser. They still count in the list, but not in the tab's title.

export class Mutes {
  #local;

  constructor(local) {
    this.#local = local;
  }

  has(key) {
    return this.#keys.includes(key);
  }

  set(key, muted) {
    const others = this.#keys.filter((other) => other !== key);
    this.#local.set("muted", muted ? [...others, key] : others);
  }

  get #keys() {
    const kept = this.#local.shared("muted");
    return Array.isArray(kept) ? kept : [];
  }
}
