// Which transport the next attempt takes. A WebSocket comes first; polling works where none gets through:
//
//   websocket ──two in a row that got no `hello`──▶ polling       at once, so that nobody waits
//       ▲                                              │
//       ├──── nothing gets through: both in turn ──────┤          whose fault it is shows when something works
//       └──── a WebSocket tried beside it works ───────┘          see climb.js
//
// That polling was needed is kept for the next page of this tab, which begins with it.

import { closeRule } from "./protocol.js";
import { Store, browserStorage } from "./store.js";

const MOST_FAILURES = 2;
const FIRST_HELLO = 2_500; // nobody has talked here yet, and somebody waits
const NEXT_HELLO = 7_000; // it worked here before: a server with a thousand others to greet takes a while
const HANDSHAKE = 15_000;

const RESTART = 1012;
const FULL = 1013;

export class Ladder {
  /** Why we poll, for the console. */
  reason = "";
  /** A WebSocket worked on this page, or may work where one did not for a page before: worth an early look. */
  hopeful = false;

  #sockets; #polls; #url; #store; #online;
  #next;
  #failures = 0;
  #worked = false;

  /** `transports` are those that may be used; `online()` says whether the browser has a network. */
  constructor(url, { transports, storage = browserStorage("sessionStorage"), online }) {
    this.#url = url;
    this.#sockets = transports.includes("websocket");
    this.#polls = transports.includes("polling");
    this.#store = new Store(storage, "transport");
    this.#online = online;
    this.#next = this.#first();
  }

  /** "websocket" or "polling". */
  get next() {
    return this.#next;
  }

  /** Whether a WebSocket may be tried beside the polling. */
  get upwards() {
    return this.#sockets;
  }

  /** How many ms to wait for the server's `hello`. */
  get patience() {
    if (this.#next === "polling" || !this.#polls) return HANDSHAKE;
    return this.#worked ? NEXT_HELLO : FIRST_HELLO;
  }

  /** This transport has logged in. */
  works({ name }) {
    const socket = name === "websocket";
    this.#failures = 0;
    if (socket) this.hopeful = this.#worked = true;
    this.#next = socket ? "websocket" : "polling";
    if (this.#sockets && this.#polls) this.#store.set(this.#url, socket ? null : "polling");
  }

  /** An attempt with the next transport came to nothing. Whether another one shall follow at once. */
  failed(code) {
    if (!this.#sockets || !this.#polls || !this.#counts(code)) return false;
    return this.#next === "polling" ? this.#up() : this.#down(code);
  }

  #first() {
    if (!this.#sockets) return this.#because("polling", "it was asked for");
    if (!this.#polls || this.#store.get(this.#url) !== "polling") return "websocket";
    this.hopeful = true;
    return this.#because("polling", "no WebSocket came about in this tab before");
  }

  #down(code) {
    this.#failures += 1;
    if (this.#failures < MOST_FAILURES) return false;
    this.#next = this.#because("polling", `the WebSocket failed twice before the server's hello (close code ${code})`);
    return true;
  }

  // Not even polling works, so the server may be away. One more failure leads back here.
  #up() {
    this.#failures = MOST_FAILURES - 1;
    this.#next = "websocket";
    return false;
  }

  #counts(code) {
    return !closeRule(code).final && code !== RESTART && code !== FULL && this.#online();
  }

  #because(transport, reason) {
    this.reason = reason;
    return transport;
  }
}
