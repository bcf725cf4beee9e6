// Back up: while a client polls, a WebSocket is tried beside it now and then. When it has logged in the
// conversation goes over to it:
//
//   polling ──login on the socket──▶ both ──the last poll is answered──▶ socket
//
// What both of them bring is told once. What was said by poll is answered there before anything is said on the
// socket, so that nothing overtakes.

const EARLY = 5_000;
const FIRST = 60_000;
const LONGEST = 600_000;
const WOKEN = 30_000; // the least between two attempts, whatever gives hope
const LOGIN_WITHIN = 10_000;
const CHANGEOVER_WITHIN = 5_000;

/** Tries a WebSocket from time to time: after 60 s, then more and more seldom. */
export class Climb {
  #clock; #ladder; #make; #ready;
  #delay = FIRST;
  #due = null; // the next attempt, in ticks
  #tried;
  #timer;
  #socket = null;

  /** `make()` is a new socket that will log in; `ready(socket, frames)` gets one that did, and what it was told by then. */
  constructor({ clock, ladder, make, ready }) {
    this.#clock = clock;
    this.#ladder = ladder;
    this.#make = make;
    this.#ready = ready;
  }

  /** The client polls now. */
  start() {
    if (!this.#ladder.upwards || this.#socket) return;
    this.#tried ??= this.#clock.ticks();
    this.#due ??= this.#clock.ticks() + (this.#ladder.hopeful ? EARLY : FIRST);
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => this.#try(), this.#due - this.#clock.ticks());
  }

  /** The client has no connection that one could climb from. */
  stop() {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#socket?.drop();
    this.#socket = null;
  }

  /** A WebSocket works. */
  done() {
    this.stop();
    this.#delay = FIRST;
    this.#due = this.#tried = null;
  }

  /** There may be another network. */
  nudge() {
    if (this.#timer && !this.#socket && this.#clock.ticks() - this.#tried >= WOKEN) this.#try();
  }

  #try() {
    this.#clock.clearTimeout(this.#timer);
    this.#tried = this.#clock.ticks();
    this.#due = this.#tried + this.#delay;
    this.#delay = Math.min(2 * this.#delay, LONGEST);
    this.#timer = this.#clock.setTimeout(() => this.#failed(), LOGIN_WITHIN);
    this.#listen(this.#make());
  }

  #listen(socket) {
    const said = [];
    socket.onframe = (frame) => {
      said.push(frame);
      if (frame.type === "login") this.#loggedIn(socket, said);
    };
    socket.onclose = () => this.#failed();
    this.#socket = socket;
    socket.open();
  }

  #loggedIn(socket, said) {
    this.#socket = null;
    this.done();
    this.#ready(socket, said);
  }

  #failed() {
    this.stop();
    this.start();
  }
}

/** The moment in which a client has both. */
export class Changeover {
  #poll; #clock; #receive; #done; #timer;
  #order; // something was said by poll that is not answered yet
  #kept = [];
  #balance = new Map(); // a frame as text → how many more times the socket brought it

  /** `receive(frame)` gets what only the last polls bring; `done(frames)` those that wait for the socket. */
  constructor(poll, { clock, receive, done }) {
    this.#poll = poll;
    this.#clock = clock;
    this.#receive = receive;
    this.#done = done;
    this.#order = poll.busy;
    poll.onframe = (frame) => this.#fresh(frame, -1) && this.#receive(frame);
    poll.onclose = () => this.end();
  }

  start() {
    this.#timer = this.#clock.setTimeout(() => this.end(), CHANGEOVER_WITHIN);
    this.#poll.finish();
  }

  /** Keeps a frame that would overtake; false if it may go. */
  keeps(frame) {
    if (this.#order) this.#kept.push(frame);
    return this.#order;
  }

  /** Whether a frame of the socket is news. */
  isNews(frame) {
    return this.#fresh(frame, 1);
  }

  /** The polls are over, or take too long. */
  end() {
    this.drop();
    this.#done(this.#kept);
  }

  /** There is no socket any more either. */
  drop() {
    this.#clock.clearTimeout(this.#timer);
    this.#poll.drop();
  }

  // By how often each side brought it, since the same may be said twice.
  #fresh(frame, side) {
    const text = JSON.stringify(frame);
    const count = this.#balance.get(text) ?? 0;
    this.#balance.set(text, count + side);
    return count * side >= 0;
  }
}
