// A connection that heals itself. It needs nothing else of the chat and no DOM:
//
//   import { ChatClient } from "/chat/static/client.js";
//   const client = new ChatClient("/chat/ws");
//   client.on("groupPm", ({ name, content }) => console.log(name, content));
//   client.on("login", () => client.request("group", { gid: "lobby", content: "hello" }));
//   client.on("price", (data) => console.log(data));                      // an event of the site's own
//   client.connect();
//   client.emit("order", { id: 7 }, (ok, answer) => console.log(ok, answer));     // goes out after the login
//
// Every frame of the server is told under its `type`, and an `event` under its own name too. Besides, "state" is
// told when `state` changes:
//
//   closed ──connect()──▶ connecting ──login──▶ open ──close()──▶ closing ──▶ closed
//                           ▲     │               │
//                     timer │     ▼  lost         │ lost
//                         reconnecting ◀──────────┘          (a final close code leads to closed)
//
// and "transport" when `transport` does: how frames travel (ladder.js), which makes no other difference.

import { backoff, noSoonerThan, systemClock } from "./clock.js";
import { newId } from "./ids.js";
import { Line } from "./line.js";
import { Listeners } from "./listeners.js";
import { Cursor, FRAME_TYPES, closeRule, conversationOf } from "./protocol.js";
import { ChatError, Requests } from "./requests.js";
import { watchBrowser } from "./waking.js";

export { ChatError, backoff, systemClock };

const WAKE_TIMEOUT = 2_000; // somebody looks at the page and waits
const YOUNG = 5_000; // a handshake that is older when the page wakes most likely slept too
const STABLE_AFTER = 5_000; // a link that lived shorter does not start the back-off anew

const TOO_LONG = "More than the server takes at once.";
const ANSWERS = new Set(["ack", "pong", "error"]);
const OWN_NAMES = new Set([...FRAME_TYPES, "state", "transport"]);
const NEVER = new Set(["connect", "disconnect", "close"]); // the server keeps them for its own handlers
const bytes = new TextEncoder();

export class ChatClient extends Listeners {
  state = "closed";
  /** "websocket", "long-polling" or "polling". */
  transport = "websocket";
  /** When the next attempt starts, in `ticks` of the clock; null unless reconnecting. */
  retryAt = null;
  /** Why it closed for good: "session", "other", "forbidden" or "refused"; null while there is hope. */
  why = null;
  /** The server's `hello`, and our `uid`: who we are is known once and does not change any more. */
  hello = null;
  uid;
  /** A connect token, where no cookie says who we are; another one counts from the next login on. */
  token;

  #line; #clock; #random; #log; #requests;
  #cursor = new Cursor();
  #attempt = 0;
  #begun = 0; // when the handshake began, in ticks
  #checking = false;
  #retryTimer; #stableTimer;

  /** `signal` ends its watching of the browser, where a page outlives it; for options that are not named here see `Line`. */
  constructor(url, {
    token, uid = null, signal, clock = systemClock, random = Math.random, watch = watchBrowser,
    log = (words) => console.info(words), ...others
  } = {}) {
    super();
    this.uid = uid;
    this.token = token;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
    this.#requests = new Requests(clock);
    this.#line = new Line(url, { login: () => this.#login(), clock, random, ...others });
    this.#line.onframe = (frame) => this.#receive(frame);
    this.#line.onclose = (code, after) => this.#lost(code, after);
    this.transport = this.#line.name;
    watch(this, signal);
  }

  on(name, listen) {
    if (NEVER.has(name)) throw new TypeError(`"${name}" is never told: listen to "login", or to "state".`);
    return super.on(name, listen);
  }

  /** As the browser's own: 0 connecting, 1 open, 2 closing, 3 closed. */
  get readyState() {
    return this.#line.readyState;
  }

  get secondsToRetry() {
    return this.retryAt === null ? null : Math.max(0, Math.ceil((this.retryAt - this.#clock.ticks()) / 1000));
  }

  connect() {
    if (this.#linked) return;
    this.#clock.clearTimeout(this.#retryTimer);
    this.why = null;
    this.#begun = this.#clock.ticks();
    this.#become("connecting");
    this.#line.open();
  }

  close() {
    this.#clock.clearTimeout(this.#retryTimer);
    if (!this.#linked) return this.#become("closed");
    this.#become("closing");
    this.#line.close();
  }

  /** There may be a network again, or somebody is looking: no more waiting, and no old link on trust. */
  wake() {
    this.#attempt = 0;
    this.#line.wake();
    if (this.state === "reconnecting") this.connect();
    else if (this.state === "connecting" && this.#clock.ticks() - this.#begun > YOUNG) this.#renew();
    else this.check();
  }

  /** Nobody looks at the page. */
  rest() {
    this.#line.rest();
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
    if (!this.#linked || this.state === "closing") return;
    this.#line.drop();
    this.#lost(1006);
  }

  /** Sends a frame with an id and resolves with its `ack`. Repeating an `id` is safe. */
  request(type, fields = {}, { timeout } = {}) {
    if (this.state !== "open") return Promise.reject(new ChatError("offline"));
    const frame = { ...fields, type, id: fields.id ?? newId() };
    if (this.#isTooLong(frame)) return Promise.reject(new ChatError("too_long", TOO_LONG));
    const answer = this.#requests.add(frame, { timeout });
    this.#line.send(frame);
    return answer;
  }

  /** Sends a frame that wants no answer and may get lost; false if there is no link, or the server takes less. */
  send(type, fields = {}) {
    const frame = { ...fields, type };
    if (this.state !== "open" || this.#isTooLong(frame)) return false;
    this.#line.send(frame);
    return true;
  }

  // It would cost the connection (1009).
  #isTooLong(frame) {
    const most = this.hello?.limits?.message_bytes ?? Infinity;
    return bytes.encode(JSON.stringify(frame)).length > most;
  }

  /**
   * Runs the site's handler of this name and resolves with what it returned. With `ack` it calls instead, once,
   * `ack(true, value)`, or `ack(false, message, code)` for an error or if no answer came in time. While a connection is
   * on its way it waits for that, within the same time.
   */
  emit(name, data, ack) {
    const asked = this.#coming ? this.#later("event", { name, data }) : this.request("event", { name, data });
    const answer = asked.then((frame) => frame.data);
    answer.catch(() => {}); // not to ask what came of it is no mistake of the page
    if (!ack) return answer;
    answer.then((value) => ack(true, value), ({ message, code }) => ack(false, message, code));
  }

  // It goes out as it is now, whatever the page makes of its data meanwhile.
  #later(type, fields) {
    const frame = JSON.parse(JSON.stringify({ ...fields, type, id: newId() }));
    return this.#requests.add(frame, { held: true });
  }

  #sendHeld() {
    for (const frame of this.#requests.release()) {
      if (!this.#isTooLong(frame)) this.#line.send(frame);
      else this.#requests.answer({ type: "error", code: "too_long", message: TOO_LONG, id: frame.id });
    }
  }

  // -- what the server says

  #receive(frame) {
    this.#goesBy(this.#line.name);
    if (frame.type === "hello") this.hello = frame;
    if (frame.type === "login" && !this.#opened(frame)) return;
    if (this.#cursor.has(frame, this.uid)) return;
    this.#cursor.follow(frame, this.uid);
    if (ANSWERS.has(frame.type)) this.#answered(frame);
    this.tell(frame.type, frame);
    if (frame.type === "event" && !OWN_NAMES.has(frame.name)) this.tell(frame.name, frame.data);
  }

  #answered(frame) {
    const asked = this.#requests.answer(frame);
    // The connection that sent a private message learns its number from the ack alone.
    if (asked?.type === "pm" && frame.type === "ack") this.#cursor.reach(conversationOf(asked, this.uid), frame.seq);
  }

  #goesBy(transport) {
    if (transport === this.transport) return;
    this.transport = transport;
    this.#log(`Chat goes by ${transport}: ${this.#line.reason}.`);
    this.tell("transport", transport);
  }

  #opened({ uid }) {
    this.uid ??= uid;
    if (this.uid !== uid) return this.#changedHands();
    if (this.state === "open") return true;
    this.#stableTimer = this.#clock.setTimeout(() => { this.#attempt = 0; }, STABLE_AFTER);
    this.#sendHeld(); // before anybody hears of it, and says more
    this.#become("open");
    return true;
  }

  // Somebody else logged in at this browser while the page stood open: nothing of ours may go out in
  // their name, nothing of theirs may be shown here.
  #changedHands() {
    this.why = "other";
    this.state = "closing";
    this.#line.drop();
    this.#lost(1000);
    return false;
  }

  // -- coming and going

  get #linked() {
    return this.state !== "closed" && this.state !== "reconnecting";
  }

  get #coming() {
    return this.state === "connecting" || this.state === "reconnecting";
  }

  #login() {
    return { type: "login", content: "login", token: this.token, resume: this.#cursor.resume() };
  }

  #renew() {
    this.drop();
    this.#attempt = 0;
    this.connect();
  }

  #lost(code, after) {
    this.#clock.clearTimeout(this.#stableTimer);
    this.#requests.lose();
    const rule = closeRule(code);
    if (rule.final) this.why = rule.why;
    if (rule.final || this.state === "closing") this.#become("closed");
    else this.#comeBack(rule.floor, after);
  }

  #comeBack(floor, after) {
    const delay = after === undefined
      ? Math.max(floor, backoff(this.#attempt++, this.#random))
      : noSoonerThan(after, this.#random);
    this.retryAt = this.#clock.ticks() + delay;
    this.#retryTimer = this.#clock.setTimeout(() => this.connect(), delay);
    this.#become("reconnecting");
  }

  #become(state) {
    if (state !== "reconnecting") this.retryAt = null;
    this.state = state;
    if (state === "closing" || state === "closed") this.#requests.giveUp();
    this.tell("state", state);
  }
}
