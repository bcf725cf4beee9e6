// The same frames over single HTTP requests, for networks and servers where no WebSocket gets through.
//
// A cursor says how far we are; each answer brings the next cursor, and what came in between:
//
//     ┌───▶ asking    to send frames: one such request at a time, so that their order holds;
//     │       │       what is said meanwhile goes together in the next
//   idle ◀────┤
//     │       │ failed: the same again a little later; the third time the session is lost
//     └───▶ holding   nothing to send: the server answers when there is news
//
// Frames do not wait for the poll that is held, they go beside it. Both begin from the same cursor, so what the
// held one answers from then on is in the other's answer as well, and is left aside. A hidden page holds nothing:
// a browser has six connections to a host for all of its tabs.

import { backoff } from "./clock.js";
import { Exchange } from "./exchange.js";
import { Transport } from "./transport.js";

const HELD = 25; // seconds
const ANSWER_WITHIN = 10_000;
const HIDDEN_PAUSE = 10_000;
const LONGEST_PAUSE = 5_000;
const STRETCH = 1.5;
const HASTY = 1_000; // a server that has nothing to say before that does not hold, whatever it says of itself
const MOST_FAILURES = 3;
const PATIENCE = 5_000; // to be left alone for longer is to be offline
const MOST_FRAMES = 50;
const ONCE = new Set(["create", "leave"]); // all others may reach the server twice
const LARGEST = 4; // messages' worth of text: a poll may have 16, and a character has up to 3 bytes

const [DONE, ABNORMAL, FULL] = [1000, 1006, 1013];

export class PollTransport extends Transport {
  name = "long-polling";

  #url; #clock; #random; #hidden; #fetch;
  #state = 3;
  #cursor = null;
  #queue = [];
  #sending = null; // the body of the request with frames that is not answered yet
  #asking = null; // its Exchange, while it is on its way
  #holding = null; // the Exchange of the poll that is held
  #pause = null; // the timer of the next poll
  #patient = false; // that frames wait for as well
  #failures = 0;
  #quiet = 0; // empty answers in a row
  #leaving = false;
  #lastLook = false;
  #messageBytes = 65_536;

  /** `hidden()` says whether nobody can see the page. */
  constructor(url, { fetch, clock, random, hidden }) {
    super();
    this.#url = url;
    this.#fetch = fetch;
    this.#clock = clock;
    this.#random = random;
    this.#hidden = hidden;
  }

  get readyState() {
    return this.#state;
  }

  /** Frames are not answered yet: others that go another way would overtake them. */
  get busy() {
    return this.#sending !== null || this.#queue.length > 0;
  }

  open() {
    this.#state = 0;
    this.onopen();
  }

  send(frame) {
    this.#queue.push(frame);
    this.#quiet = 0;
    // What is said in one turn goes together.
    queueMicrotask(() => this.#next());
  }

  close() {
    this.#state = 2;
    this.#leaving = true;
    this.#letGo();
    if (this.busy || this.#lastLook) this.#next();
    else this.#end(DONE);
  }

  /** As `close`, but what came by now is asked for once more: for a client that goes on by another transport. */
  finish() {
    this.#lastLook = true;
    this.close();
  }

  drop() {
    super.drop();
    this.#state = 3;
    this.#clock.clearTimeout(this.#pause);
    this.#asking?.abort();
    this.#letGo();
  }

  // After this turn, since whoever wakes has a question most of the time.
  wake() {
    if (this.#pause !== null) this.#wait(0);
  }

  rest() {
    if (!this.#holding || !this.#hidden()) return;
    this.#letGo();
    this.#wait(HIDDEN_PAUSE);
  }

  // -- what to do now

  #next() {
    if (this.#state === 3 || this.#asking || this.#patient) return;
    if (this.busy || this.#lastLook) this.#ask();
    else if (this.#leaving) this.#end(DONE);
    else if (!this.#holding && this.#pause === null) this.#hold();
  }

  #ask() {
    // A request that failed is repeated as it was: its frames may have arrived.
    if (!this.#sending) this.#lastLook = false;
    this.#sending ??= { cursor: this.#cursor, frames: this.#batch(), wait: 0 };
    this.#asking = this.#exchange(this.#sending, ANSWER_WITHIN);
    this.#asking.outcome.then((outcome) => this.#asked(outcome));
  }

  #hold() {
    const wait = this.#hidden() ? 0 : HELD;
    const begun = this.#clock.ticks();
    const exchange = this.#exchange({ cursor: this.#cursor, frames: [], wait }, wait * 1_000 + ANSWER_WITHIN);
    this.#holding = exchange;
    exchange.outcome.then((outcome) => {
      if (this.#holding !== exchange) return;
      this.#holding = null;
      if (!this.#sending) this.#came(outcome, { hasty: wait > 0 && this.#clock.ticks() - begun < HASTY, patient: false });
    });
  }

  // One that another process still holds has a cursor that counts no more.
  #letGo() {
    const exchange = this.#holding;
    this.#holding = null;
    exchange?.abort();
  }

  #exchange(body, limit) {
    return new Exchange(this.#url, body, { fetch: this.#fetch, clock: this.#clock, limit });
  }

  #batch() {
    let room = LARGEST * this.#messageBytes;
    const fits = (frame, at) => at < MOST_FRAMES && ((room -= JSON.stringify(frame).length) > 0 || at === 0);
    const end = this.#queue.findIndex((frame, at) => !fits(frame, at));
    return this.#queue.splice(0, end < 0 ? this.#queue.length : end);
  }

  #wait(ms, { patient = false } = {}) {
    this.#clock.clearTimeout(this.#pause);
    this.#pause = this.#clock.setTimeout(() => this.#resume(), ms);
    this.#patient = patient;
    this.#next();
  }

  #resume() {
    this.#clock.clearTimeout(this.#pause);
    this.#pause = null;
    this.#patient = false;
    this.#next();
  }

  // -- what came of it

  #asked(outcome) {
    this.#asking = null;
    if (this.#state === 3) return;
    const { frames } = this.#sending;
    if (outcome.failed && !outcome.undone) this.#giveUp(frames.filter(({ type }) => ONCE.has(type)));
    if (!outcome.failed) this.#sending = null;
    if (outcome.refused) this.#tell(frames.filter(({ id }) => id).map(({ id }) => ({ ...outcome.refused, id })));
    if (this.#state === 3) return;
    this.#letGo();
    this.#came(outcome);
  }

  // They may have arrived, and would be carried out once more.
  #giveUp(frames) {
    this.#sending.frames = this.#sending.frames.filter((frame) => !frames.includes(frame));
    this.#tell(frames.map(({ id }) => ({ type: "error", code: "offline", message: "no answer came", id })));
  }

  #came({ failed, refused, cursor, frames, pause, close, after }, { hasty = false, patient = true } = {}) {
    if (failed || refused) return this.#failed(after, patient);
    this.#failures = 0;
    this.#cursor = cursor;
    if (close === undefined) this.#goes(pause, frames);
    this.#tell(frames);
    if (this.#state === 3) return;
    if (close === undefined) this.#plan(frames, hasty && !frames.length ? Math.max(pause, HASTY) : pause);
    else this.#end(close, after);
  }

  // A server that holds no more polls takes what is said all the same.
  #failed(after, patient) {
    const over = this.#cursor === null || ++this.#failures >= MOST_FAILURES || after > PATIENCE;
    if (over) return this.#end(after === undefined ? ABNORMAL : FULL, after);
    this.#wait(Math.max(after ?? 0, backoff(this.#failures - 1, this.#random)), { patient });
  }

  // A server that cannot hold polls says how long to wait between them, unless it has more to say.
  #goes(pause, frames) {
    if (pause > 0) this.name = "polling";
    else if (!frames.length) this.name = "long-polling";
    if (this.#state === 0) this.#state = 1;
  }

  #tell(frames) {
    for (const frame of frames) {
      if (this.#state === 3) return;
      if (frame.type === "hello") this.#greet(frame);
      this.onframe(frame);
    }
  }

  #greet({ limits }) {
    this.greeted = true;
    this.#messageBytes = limits?.message_bytes ?? this.#messageBytes;
  }

  #plan(frames, pause) {
    const drain = frames.find(({ type }) => type === "drain");
    if (drain) return this.#wait(drain.retry_after, { patient: true });
    this.#quiet = frames.length ? 0 : this.#quiet + 1;
    const stretched = Math.max(pause, Math.min(LONGEST_PAUSE, pause * STRETCH ** this.#quiet));
    const ms = this.#hidden() ? Math.max(HIDDEN_PAUSE, pause) : stretched;
    if (ms) this.#wait(ms);
    else this.#resume();
  }

  #end(code, after) {
    const { onclose } = this;
    this.drop();
    onclose(code, after);
  }
}
