// The socket of a plain-text room, which comes back by itself. It needs no DOM:
//
//   const link = new TextLink("/chat/text/tea");
//   link.on("line", (line) => console.log(line)); // "from1001:hello"
//   link.connect();
//   link.send("hello");
//
// "state" is told whenever `readyState`, `retryAt` or `why` changed, "back" after a connection that replaces a lost one.

import { backoff, systemClock } from "./clock.js";
import { Listeners } from "./listeners.js";
import { closeRule } from "./protocol.js";
import { socketUrl } from "./sockets.js";

const CLOSED = 3;
const HANDSHAKE_TIMEOUT = 15_000;
const ECHO_TIMEOUT = 10_000;
const STABLE_AFTER = 5_000; // a link that lived shorter does not start the back-off anew

export class TextLink extends Listeners {
  /** When the next attempt starts, in `ticks` of the clock; null unless it waits for that. */
  retryAt = null;
  /** Why it does not come back: "session", "forbidden", "refused", "gone", or "left" after `close`. */
  why = null;

  #url; #echo; #ask; #WebSocket; #clock; #random;
  #socket = null;
  #attempt = 0;
  #lostOne = false;
  #retryTimer; #handshakeTimer; #stableTimer; #echoTimer;

  /**
   * `echo`: the room sends everybody their own words, so that silence after a word means a dead link.
   * `ask` finds out why a handshake was refused, which no script is told: one of the `why`, or null.
   */
  constructor(url, {
    echo = false, ask = async () => null,
    WebSocket = globalThis.WebSocket, clock = systemClock, random = Math.random,
  } = {}) {
    super();
    this.#url = socketUrl(url);
    this.#echo = echo;
    this.#ask = ask;
    this.#WebSocket = WebSocket;
    this.#clock = clock;
    this.#random = random;
  }

  /** As the browser's own: 0 connecting, 1 open, 2 closing, 3 closed. */
  get readyState() {
    return this.#socket?.readyState ?? CLOSED;
  }

  get secondsToRetry() {
    return this.retryAt === null ? null : Math.max(0, Math.ceil((this.retryAt - this.#clock.ticks()) / 1000));
  }

  connect() {
    if (this.#socket) return;
    this.#clock.clearTimeout(this.#retryTimer);
    this.retryAt = this.why = null;
    const socket = new this.#WebSocket(this.#url);
    let opened = false;
    socket.onopen = () => { opened = true; this.#opened(); };
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = ({ code }) => this.#lost(code, opened);
    this.#socket = socket;
    this.#handshakeTimer = this.#clock.setTimeout(() => this.drop(), HANDSHAKE_TIMEOUT);
    this.tell("state");
  }

  /** Leave the room, until somebody calls `connect` again. */
  close() {
    this.#stop("left");
  }

  /** False where it could not go. */
  send(text) {
    if (this.readyState !== 1) return false;
    this.#socket.send(text);
    if (this.#echo) this.#echoTimer ??= this.#clock.setTimeout(() => this.drop(), ECHO_TIMEOUT);
    return true;
  }

  /** There may be a network again, or somebody is looking: no more waiting. */
  wake() {
    this.#attempt = 0;
    if (this.retryAt !== null) this.connect();
  }

  /** Nobody looks at the page: what is said goes on. */
  rest() {}

  /** Gives the link up without waiting for the other side, which may be out of reach, and tries again. */
  drop() {
    if (!this.#socket || this.why) return;
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#lost(1006, true);
  }

  #opened() {
    this.#clock.clearTimeout(this.#handshakeTimer);
    this.#stableTimer = this.#clock.setTimeout(() => { this.#attempt = 0; }, STABLE_AFTER);
    this.tell("state");
    if (this.#lostOne) this.tell("back");
    this.#lostOne = false;
  }

  #heard(data) {
    this.#clock.clearTimeout(this.#echoTimer);
    this.#echoTimer = undefined;
    this.tell("line", data.replace(/\n$/, ""));
  }

  #lost(code, opened) {
    for (const timer of [this.#handshakeTimer, this.#stableTimer, this.#echoTimer]) this.#clock.clearTimeout(timer);
    this.#echoTimer = undefined;
    this.#socket = null;
    this.#lostOne ||= opened;
    const rule = closeRule(code);
    if (rule.final) this.why = rule.why;
    if (!this.why) this.#comeBack(rule.floor);
    this.tell("state");
    if (!this.why && !opened) this.#askWhy();
  }

  #comeBack(floor) {
    const delay = Math.max(floor, backoff(this.#attempt++, this.#random));
    this.retryAt = this.#clock.ticks() + delay;
    this.#retryTimer = this.#clock.setTimeout(() => this.connect(), delay);
  }

  async #askWhy() {
    const why = await this.#ask();
    if (why && !this.why && this.readyState !== 1) this.#stop(why);
  }

  #stop(why) {
    this.#clock.clearTimeout(this.#retryTimer);
    this.retryAt = null;
    this.why = why;
    this.#socket?.close(1000);
    this.tell("state");
  }
}
