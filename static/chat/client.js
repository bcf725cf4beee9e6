// A connection that heals itself. It needs nothing else of the chat and no DOM:
//
//   const client = new ChatClient("/chat/ws");
//   client.on("groupPm", ({ name, content }) => console.log(name, content));
//   client.on("login", () => client.request("group", { gid: "lobby", content: "hello" }));
//   client.connect();
//
// Every frame of the server is told under its `type`. Besides, "state" is told when `state` changes:
//
//   closed ──connect()──▶ connecting ──login──▶ open ──close()──▶ closing ──▶ closed
//                           ▲     │               │
//                     timer │     ▼  lost         │ lost
//                         reconnecting ◀──────────┘          (a final close code leads to closed)

import { newId } from "./ids.js";
import { Listeners } from "./listeners.js";
import { Cursor, closeRule, conversationOf } from "./protocol.js";
import { watchBrowser } from "./waking.js";

const REQUEST_TIMEOUT = 10_000;
const HANDSHAKE_TIMEOUT = 15_000;
const PONG_TIMEOUT = 10_000;
const WAKE_TIMEOUT = 2_000; // somebody looks at the page and waits
const YOUNG = 5_000; // a handshake that is older when the page wakes most likely slept too
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 30_000;
const STABLE_AFTER = 5_000; // a link that lived shorter does not start the back-off anew

/** A request that did not work: `code` is the server's, or "offline" or "timeout". */
export class ChatError extends Error {
  constructor(code, message = code, retryAfter = null) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** Full jitter: a thousand clients that lost the same server do not come back in the same moment. */
export function backoff(attempt, random) {
  return random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt);
}

export const systemClock = {
  /** The time of day. It jumps when somebody sets the clock. */
  now: () => Date.now(),
  /** Milliseconds that only ever pass, to measure with. */
  ticks: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

function socketUrl(url) {
  const full = new URL(url, globalThis.location?.href);
  full.protocol = full.protocol.replace("http", "ws");
  return full.href;
}

export class ChatClient extends Listeners {
  state = "closed";
  /** When the next attempt starts, in `ticks` of the clock; null unless reconnecting. */
  retryAt = null;
  /** Why it closed for good: "session", "other", "forbidden" or "refused"; null while there is hope. */
  why = null;
  /** The server's `hello`, and our `uid`: who we are is known once and does not change any more. */
  hello = null;
  uid;

  #url; #token; #WebSocket; #clock; #random;
  #socket = null;
  #cursor = new Cursor();
  #waiting = new Map(); // id → { type, fields, resolve, reject, timer }
  #attempt = 0;
  #drainDelay = null;
  #begun = 0; // when the handshake began, in ticks
  #checking = false;
  #retryTimer; #handshakeTimer; #stableTimer; #silenceTimer;

  constructor(url, {
    token, uid = null,
    WebSocket = globalThis.WebSocket, clock = systemClock, random = Math.random, watch = watchBrowser,
  } = {}) {
    super();
    this.uid = uid;
    this.#url = socketUrl(url);
    this.#token = token;
    this.#WebSocket = WebSocket;
    this.#clock = clock;
    this.#random = random;
    watch(this);
  }

  /** As the browser's own: 0 connecting, 1 open, 2 closing, 3 closed. */
  get readyState() {
    return this.#socket?.readyState ?? 3;
  }

  get secondsToRetry() {
    return this.retryAt === null ? null : Math.max(0, Math.ceil((this.retryAt - this.#clock.ticks()) / 1000));
  }

  connect() {
    if (this.#socket) return;
    this.#clock.clearTimeout(this.#retryTimer);
    this.why = null;
    const socket = new this.#WebSocket(this.#url);
    socket.onopen = () => this.#write({ type: "login", content: "login", token: this.#token, resume: this.#cursor.resume() });
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lost(code);
    this.#socket = socket;
    this.#begun = this.#clock.ticks();
    this.#handshakeTimer = this.#clock.setTimeout(() => this.drop(), HANDSHAKE_TIMEOUT);
    this.#become("connecting");
  }

  close() {
    this.#clock.clearTimeout(this.#retryTimer);
    if (!this.#socket) return this.#become("closed");
    this.#become("closing");
    this.#socket.close(1000);
  }

  /** There may be a network again, or somebody is looking: no more waiting, and no old link on trust. */
  wake() {
    this.#attempt = 0;
    if (this.state === "reconnecting") this.connect();
    else if (this.state === "connecting" && this.#clock.ticks() - this.#begun > YOUNG) this.#renew();
    else this.check();
  }

  /** Asks whether an open link still lives; one that does not answer soon is replaced at once. */
  check() {
    if (this.state !== "open" || this.#checking) return;
    if (this.readyState > 1) return this.#renew();
    this.#checking = true;
    const alive = this.request("ping", {}, { timeout: WAKE_TIMEOUT });
    const done = (code) => {
      this.#checking = false;
      if (code === "timeout") this.#renew();
    };
    alive.then(() => done(), ({ code }) => done(code));
  }

  /** Gives the link up without waiting for the other side, which may be out of reach, and tries again. */
  drop() {
    if (!this.#socket || this.state === "closing") return;
    this.#forsake();
    this.#lost(1006);
  }

  /** Sends a frame with an id and resolves with its `ack`. Repeating an `id` is safe. */
  request(type, fields = {}, { timeout = REQUEST_TIMEOUT } = {}) {
    if (this.state !== "open") return Promise.reject(new ChatError("offline"));
    const id = fields.id ?? newId();
    this.#settle(id)?.reject(new ChatError("repeated"));
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => this.#settle(id).reject(new ChatError("timeout")), timeout);
      this.#waiting.set(id, { type, fields, resolve, reject, timer });
      this.#write({ ...fields, type, id });
    });
  }

  /** Sends a frame that wants no answer and may get lost; false if there is no link. */
  send(type, fields = {}) {
    if (this.state !== "open") return false;
    this.#write({ ...fields, type });
    return true;
  }

  #write(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  #receive(frame) {
    this.#heard();
    if (frame.type === "hello") this.hello = frame;
    if (frame.type === "drain") this.#drainDelay = frame.retry_after;
    if (frame.type === "login" && !this.#opened(frame)) return;
    this.#cursor.follow(frame, this.uid);
    if (frame.type === "ack" || frame.type === "pong") this.#resolve(frame);
    if (frame.type === "error") this.#reject(frame);
    this.tell(frame.type, frame);
  }

  #resolve(frame) {
    const request = this.#settle(frame.id);
    if (!request) return;
    // The connection that sent a private message learns its number from the ack alone.
    if (request.type === "pm") this.#cursor.reach(conversationOf(request.fields, this.uid), frame.seq);
    request.resolve(frame);
  }

  #reject({ id, code, message, retry_after: retryAfter }) {
    this.#settle(id)?.reject(new ChatError(code, message, retryAfter));
  }

  #settle(id) {
    const request = this.#waiting.get(id);
    if (!request) return null;
    this.#waiting.delete(id);
    this.#clock.clearTimeout(request.timer);
    return request;
  }

  #opened({ uid }) {
    this.uid ??= uid;
    if (this.uid !== uid) return this.#changedHands();
    if (this.state === "open") return true;
    this.#clock.clearTimeout(this.#handshakeTimer);
    this.#stableTimer = this.#clock.setTimeout(() => { this.#attempt = 0; }, STABLE_AFTER);
    this.#become("open");
    return true;
  }

  // Somebody else logged in at this browser while the page stood open: nothing of ours may go out in
  // their name, nothing of theirs may be shown here.
  #changedHands() {
    this.why = "other";
    this.state = "closing";
    this.#forsake();
    this.#lost(1000);
    return false;
  }

  #renew() {
    this.drop();
    this.#attempt = 0;
    this.connect();
  }

  // The other side may be out of reach, so its answer to the close is not waited for.
  #forsake() {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #lost(code) {
    this.#socket = null;
    for (const timer of [this.#handshakeTimer, this.#stableTimer, this.#silenceTimer]) this.#clock.clearTimeout(timer);
    for (const id of [...this.#waiting.keys()]) this.#settle(id).reject(new ChatError("offline"));
    const rule = closeRule(code);
    if (rule.final) this.why = rule.why;
    if (rule.final || this.state === "closing") this.#become("closed");
    else this.#comeBack(rule.floor);
  }

  #comeBack(floor) {
    const delay = this.#drainDelay === null
      ? Math.max(floor, backoff(this.#attempt++, this.#random))
      : this.#drainDelay + this.#random() * FIRST_DELAY;
    this.#drainDelay = null;
    this.retryAt = this.#clock.ticks() + delay;
    this.#retryTimer = this.#clock.setTimeout(() => this.connect(), delay);
    this.#become("reconnecting");
  }

  #become(state) {
    if (state !== "reconnecting") this.retryAt = null;
    this.state = state;
    this.tell("state", state);
  }

  // A page cannot see WebSocket pings, and a dead link is silent like a quiet one: after a long
  // silence it asks, and takes no answer for death.
  #heard() {
    if (!this.hello) return;
    this.#clock.clearTimeout(this.#silenceTimer);
    this.#silenceTimer = this.#clock.setTimeout(() => this.#askSilent(), this.hello.ping * 2_000);
  }

  #askSilent() {
    this.request("ping", {}, { timeout: PONG_TIMEOUT }).catch(({ code }) => {
      if (code === "timeout") this.drop();
    });
  }
}
