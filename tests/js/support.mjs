// What the tests put in the place of the browser: time that moves when told, sockets that can be
// played by hand, a storage that is only a map.

export class FakeClock {
  #now = 1_000_000;
  #wrong = 0;
  #timers = new Map();
  #next = 1;

  now = () => this.#now + this.#wrong;
  ticks = () => this.#now;

  /** Somebody, or a time server, sets the clock on the wall: no time passes. */
  set(ms) { this.#wrong += ms; }

  setTimeout = (run, ms) => {
    this.#timers.set(this.#next, { run, at: this.#now + ms });
    return this.#next++;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  /** How many timers run. */
  get waiting() { return this.#timers.size; }

  /** Lets time pass; every timer that is due runs at its own moment. */
  async pass(ms) {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const [timer, due] = [...this.#timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (!due || due.at > end) break;
      this.#timers.delete(timer);
      this.#now = due.at;
      due.run();
    }
    this.#now = end;
    await settled();
  }
}

/** All promises that could go on did. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A WebSocket class whose instances are in `.sockets`, newest last. */
export function fakeSockets() {
  return class FakeSocket {
    static sockets = [];
    static get latest() { return this.sockets.at(-1); }
    readyState = 0;
    sent = [];

    constructor(url) {
      this.url = url;
      this.constructor.sockets.push(this);
    }

    send(text) { this.sent.push(JSON.parse(text)); }
    close(code) { this.closedWith = code ?? "without code"; this.readyState = 2; }
    answersPing() { this.says({ type: "pong", id: this.asked("ping").at(-1).id }); }

    // The server's side of the play.
    accepts() { this.readyState = 1; this.onopen?.(); }
    says(frame) { this.onmessage?.({ data: JSON.stringify(frame) }); }
    hangsUp(code) { this.readyState = 3; this.onclose?.({ code }); }

    welcomes({ epoch = "e1", groups = [], peers = [], uid = "1" } = {}) {
      this.accepts();
      this.says({ type: "hello", client_id: 1001, version: "1", limits: { text_chars: 4000 }, ping: 25 });
      this.says({ type: "login", uid, name: "ada", epoch, groups, peers, online: { users: 1, connections: 1 } });
    }

    /** The requests of one type that came in. */
    asked(type) { return this.sent.filter((frame) => frame.type === type); }
  };
}

/** What tabs of one browser have in common: `channel()` for each of them; all the others get what one says. */
export function fakeChannels() {
  const channels = [];
  return () => {
    const channel = {
      onmessage: null,
      postMessage: (data) => channels.filter((other) => other !== channel)
        .forEach((other) => other.onmessage?.({ data: structuredClone(data) })),
    };
    channels.push(channel);
    return channel;
  };
}

export class FakeStorage {
  kept = new Map();
  getItem = (name) => this.kept.get(name) ?? null;
  setItem = (name, value) => this.kept.set(name, value);
  removeItem = (name) => this.kept.delete(name);
}

/** Messages 1, 2, 3 … of bob, one a minute, with whatever differs. */
export function messages(from, to, differently = {}) {
  const noon = new Date(2026, 4, 1, 12).getTime();
  return Array.from({ length: to - from + 1 }, (_, at) => {
    const seq = from + at;
    return { seq, uid: "2", name: "bob", content: `message ${seq}`, ts: noon + seq * 60_000, mine: false, ...differently };
  });
}

/** A `fetch` whose polls are in `.polls`, newest last, and wait to be answered by hand. */
export function fakeFetch() {
  const polls = [];
  const fetch = (url, options) => new Promise((resolve, reject) => {
    const poll = {
      url,
      options,
      ...JSON.parse(options.body),
      open: true,
      ends(settle, value) {
        poll.open = false;
        settle(value);
        return settled();
      },
      /** The server's answer; its cursor is new unless one is given. */
      answers({ frames = [], pause = 0, cursor = `C${polls.length}` } = {}) {
        return poll.says(200, { cursor, frames, pause });
      },
      says(status, body, headers = {}) {
        const text = typeof body === "string" ? body : JSON.stringify(body);
        return poll.ends(resolve, new Response(text, { status, headers }));
      },
      breaks: () => poll.ends(reject, new TypeError("Failed to fetch")),
      /** The first answer: who we are. */
      welcomes({ pause, ...login } = {}) {
        return poll.answers({ pause, frames: greeting(login) });
      },
      asked: (type) => poll.frames.filter((frame) => frame.type === type),
    };
    options.signal.addEventListener("abort", () => {
      poll.open = false;
      reject(new DOMException("aborted", "AbortError"));
    });
    polls.push(poll);
  });
  return Object.defineProperties(Object.assign(fetch, { polls }), { latest: { get: () => polls.at(-1) } });
}

/** What a server says first. */
export function greeting({ epoch = "e1", groups = [], peers = [], uid = "1" } = {}) {
  return [
    { type: "hello", client_id: 1001, version: "1", limits: { message_bytes: 65_536, text_chars: 4000 }, ping: 25 },
    { type: "login", uid, name: "ada", epoch, groups, peers, online: { users: 1, connections: 1 } },
  ];
}
