// A chat server small enough to be right, with one room, and a network that is slow at random. It tells messages (numbered,
// kept) and events (told to whoever is there), over sockets and over polls, as the protocol says.

import { greeting } from "./support.mjs";

/** The same numbers in [0, 1) for the same seed. */
export function randomOf(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export class ModelServer {
  messages = [];
  events = [];
  sockets = new Set();
  held = new Set();
  /** WebSockets get nowhere; polls fail at this rate, before or after they were carried out. */
  blocked = false;
  failing = 0;
  /** Each poll comes to one of so many processes, which does not know what the others hold. */
  processes = 1;

  #ids = new Map();
  #next = 1001;

  constructor(clock, random) {
    Object.assign(this, { clock, random });
  }

  get epoch() { return "e1"; }

  say(content, { uid = "2", id } = {}) {
    if (id && this.#ids.has(id)) return this.#ids.get(id);
    const message = { type: "groupPm", gid: "lobby", uid, name: uid, content, seq: this.messages.length + 1, ts: 1, id };
    this.messages.push(message);
    if (id) this.#ids.set(id, message);
    this.#publish(message);
    return message;
  }

  /** To everybody; with a room to whoever polls and has entered it by an event of that name. */
  emit(data, room) {
    const event = { type: "event", name: room ?? "push", data };
    this.events.push(event);
    this.#publish(event);
  }

  cut() {
    for (const socket of this.sockets) socket.ends(1006);
  }

  greet(resume) {
    const seq = this.messages.length;
    const missed = resume ? this.messages.slice(resume.seqs["g:lobby"]) : [];
    const room = { gid: "lobby", name: "Lobby", seq, read: 0, unread: 0, ts: 1 };
    return [...greeting({ epoch: this.epoch, groups: [room] }), ...missed];
  }

  carryOut(frame, place) {
    if (frame.type === "ping") return { type: "pong", id: frame.id };
    if (frame.type === "event") {
      place.rooms[frame.name] = this.events.length;
      return { type: "ack", id: frame.id, ok: true };
    }
    const { seq } = this.say(frame.content, { uid: "1", id: frame.id });
    return { type: "ack", id: frame.id, ok: true, seq };
  }

  later(run) {
    this.clock.setTimeout(run, this.random() * 80);
  }

  #publish(frame) {
    for (const socket of this.sockets) socket.tells(frame);
    for (const poll of this.held) poll();
  }

  get WebSocket() {
    const server = this;
    return class {
      readyState = 0;
      #line = []; // in their order, each a little later

      constructor() {
        server.later(() => (server.blocked ? this.#close(1006) : this.#accept()));
      }

      #accept() {
        if (this.readyState) return;
        this.readyState = 1;
        server.sockets.add(this);
        this.onopen?.();
      }

      send(text) {
        const frame = JSON.parse(text);
        this.#carry(() => {
          if (!server.sockets.has(this)) return;
          if (frame.type === "login") {
            this.open = true;
            server.greet(frame.resume).forEach((said) => this.tells(said));
          } else this.tells(server.carryOut(frame));
        });
      }

      tells(frame) {
        if (this.open) this.#carry(() => this.onmessage?.({ data: JSON.stringify(frame) }));
      }

      ends(code) {
        server.sockets.delete(this);
        this.#carry(() => this.#close(code));
      }

      close() {
        server.sockets.delete(this);
        this.readyState = 3;
      }

      #close(code) {
        this.readyState = 3;
        this.onclose?.({ code });
      }

      #carry(run) {
        this.#line.push(run);
        server.later(() => this.#line.shift()());
      }
    };
  }

  get fetch() {
    return (url, { body, signal }) => new Promise((resolve, reject) => {
      const fail = () => reject(new TypeError("Failed to fetch"));
      signal.addEventListener("abort", fail);
      const [before, after] = [this.random() < this.failing, this.random() < this.failing];
      if (before) return this.later(fail);
      const answer = (said) => this.later(after ? fail : () => resolve(new Response(JSON.stringify(said))));
      this.later(() => this.#poll(JSON.parse(body), answer));
    });
  }

  #poll({ cursor, frames, wait }, answer) {
    const place = JSON.parse(cursor)
      ?? { client: this.#next++, seq: this.messages.length, event: this.events.length, rooms: {} };
    const process = this.processes > 1 ? Math.floor(this.random() * this.processes) : 0;
    for (const poll of [...this.held]) {
      if (poll.client === place.client && poll.process === process) poll({ superseded: true });
    }
    const entered = JSON.stringify(place.rooms);
    const said = frames.flatMap((frame) => (frame.type === "login" ? this.greet(frame.resume) : this.carryOut(frame, place)));
    const here = ({ name }, at) => at >= place.event && (name === "push" || at >= place.rooms[name]);
    const news = () => [...this.messages.slice(place.seq), ...this.events.filter(here)];
    const now = () => JSON.stringify({ ...place, seq: this.messages.length, event: this.events.length });
    const done = () => answer({ cursor: now(), frames: [...news(), ...said], pause: 0 });
    if (said.length || news().length || !wait || entered !== JSON.stringify(place.rooms)) return done();
    const held = ({ superseded = false, over = superseded } = {}) => {
      if (!over && !news().length) return;
      this.held.delete(held);
      if (superseded) answer({ cursor, frames: [], pause: 0 });
      else done();
    };
    Object.assign(held, { client: place.client, process });
    this.held.add(held);
    this.clock.setTimeout(() => this.held.has(held) && held({ over: true }), wait * 1_000);
  }
}
