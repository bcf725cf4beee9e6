// The own messages that the server has not confirmed. They outlive a lost connection and a reload,
// and are sent again under the same id, which the server stores only once.

import { newId } from "./ids.js";
import { Listeners } from "./listeners.js";

const PATIENCE = 5_000;

// Not the message's fault: the next connection may try again by itself.
const PASSING = new Set(["offline", "timeout", "repeated", "rate_limited", "unavailable", "internal"]);
// No word from the server: it may still come, the clock decides.
const SILENT = new Set(["offline", "timeout", "repeated"]);

/**
 * Tells "changed" (item), "sent" (item, ack), "dropped" (item), and "stored" (item, ack) for one that the
 * server had taken when it was given up. An item is
 * { id, key, content, ts, state: "pending" | "failed", error, refused }.
 */
export class Outbox extends Listeners {
  items;
  #send; #store; #clock;
  #patience = new Map(); // id → timer

  /** `send(item)` promises the server's ack; `store` keeps the items over a reload. */
  constructor({ send, store, clock }) {
    super();
    this.#send = send;
    this.#store = store;
    this.#clock = clock;
    const kept = store.get("outbox");
    this.items = Array.isArray(kept) ? kept : [];
    for (const item of this.items) if (!item.refused) this.#wait(item);
  }

  add(key, content) {
    const item = { id: newId(), key, content, ts: this.#clock.now(), state: "pending", error: null, refused: false };
    this.items.push(item);
    this.#post(item);
    return item;
  }

  /** There is a new connection: everything that may still go, goes. */
  resend() {
    for (const item of this.items) if (!item.refused) this.#post(item);
  }

  retry(id) {
    const item = this.#find(id);
    if (item) this.#post(item);
  }

  drop(id) {
    const item = this.#find(id);
    if (!item) return;
    this.#remove(item);
    this.tell("dropped", item);
  }

  #post(item) {
    Object.assign(item, { state: "pending", error: null, refused: false });
    this.#wait(item);
    this.#changed(item);
    this.#send(item).then((ack) => this.#sent(item, ack), (error) => this.#refused(item, error));
  }

  #wait(item) {
    this.#clock.clearTimeout(this.#patience.get(item.id));
    this.#patience.set(item.id, this.#clock.setTimeout(() => this.#fail(item), PATIENCE));
  }

  #sent(item, ack) {
    if (!this.#find(item.id)) return this.tell("stored", item, ack);
    this.#remove(item);
    this.tell("sent", item, ack);
  }

  #refused(item, { code, message }) {
    if (!this.#find(item.id) || SILENT.has(code)) return;
    this.#fail(item, { code, message }, !PASSING.has(code));
  }

  #fail(item, error = null, refused = false) {
    this.#clock.clearTimeout(this.#patience.get(item.id));
    Object.assign(item, { state: "failed", error, refused });
    this.#changed(item);
  }

  #find(id) {
    return this.items.find((item) => item.id === id);
  }

  #remove(item) {
    this.#clock.clearTimeout(this.#patience.get(item.id));
    this.#patience.delete(item.id);
    this.items = this.items.filter((other) => other !== item);
    this.#save();
  }

  #changed(item) {
    this.#save();
    this.tell("changed", item);
  }

  #save() {
    this.#store.set("outbox", this.items.length ? this.items : null);
  }
}
