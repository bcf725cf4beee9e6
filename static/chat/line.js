// The line of a client: one transport after another, as the ladder says. To the client it is a single one,
// that may change its `name`.
//
//   open() ──▶ a WebSocket, or polls ──login──▶ talking ──lost──▶ onclose
//                    │        ▲                    │
//                 no hello ───┘ the ladder's next  └── polling: a WebSocket is tried beside it, and taken over

import { Changeover, Climb } from "./climb.js";
import { systemClock } from "./clock.js";
import { pollUrl } from "./exchange.js";
import { Ladder } from "./ladder.js";
import { PollTransport } from "./polling.js";
import { WebSocketTransport, socketUrl } from "./sockets.js";
import { Transport } from "./transport.js";

const LOGIN_WITHIN = 15_000;
const ABNORMAL = 1006;

const fetchOfPage = (...asked) => globalThis.fetch(...asked);
const isHidden = () => globalThis.document?.visibilityState === "hidden";
const isOnline = () => globalThis.navigator?.onLine !== false;

export class Line extends Transport {
  #login; #make; #clock; #ladder; #climb;
  #current = null;
  #changeover = null;
  #closing = false;
  #deadline;

  /** `url` is the socket's; `login()` is the frame that begins; `transports` are "websocket" and "polling", or one of them. */
  constructor(url, {
    login, transports = ["websocket", "polling"], poll = pollUrl(url),
    WebSocket = globalThis.WebSocket, fetch = fetchOfPage, clock = systemClock, random = Math.random,
    storage, hidden = isHidden, online = isOnline,
  }) {
    super();
    this.#login = login;
    this.#clock = clock;
    this.#make = {
      websocket: () => new WebSocketTransport(socketUrl(url), { WebSocket, clock }),
      polling: () => new PollTransport(poll, { fetch, clock, random, hidden }),
    };
    const usable = transports.filter((name) => name !== "websocket" || WebSocket);
    this.#ladder = new Ladder(url, { transports: usable, storage, online });
    this.#climb = new Climb({
      clock,
      ladder: this.#ladder,
      make: () => this.#prepare("websocket"),
      ready: (socket, said) => this.#goOver(socket, said),
    });
    this.name = usable[0];
  }

  get readyState() {
    return this.#current?.readyState ?? 3;
  }

  /** Why it goes as it does. */
  get reason() {
    return this.name === "websocket" ? "a WebSocket came about" : this.#ladder.reason;
  }

  open() {
    this.#closing = false;
    this.#current = this.#attend(this.#prepare(this.#ladder.next));
    this.#expect(this.#ladder.patience);
    this.#current.open();
  }

  send(frame) {
    if (!this.#changeover?.keeps(frame)) this.#current.send(frame);
  }

  close() {
    this.#closing = true;
    this.#clock.clearTimeout(this.#deadline);
    this.#climb.stop();
    this.#changeover?.end();
    this.#current.close();
  }

  /** Unlike another transport it may be opened again. */
  drop() {
    this.#current?.drop();
    this.#letGo();
  }

  wake() {
    this.#climb.nudge();
    this.#current?.wake();
  }

  rest() {
    this.#current?.rest();
  }

  #prepare(name) {
    const transport = this.#make[name]();
    transport.onopen = () => transport.send(this.#login());
    return transport;
  }

  #attend(transport) {
    transport.onframe = (frame) => this.#heard(frame);
    transport.onclose = (code, after) => this.#ended(code, after);
    return transport;
  }

  #heard(frame) {
    if (!this.#changeover || this.#changeover.isNews(frame)) this.#tell(frame);
  }

  #tell(frame) {
    this.name = this.#current.name;
    if (frame.type === "hello") this.#expect(LOGIN_WITHIN);
    if (frame.type === "login") this.#works();
    this.onframe(frame);
  }

  #works() {
    this.#clock.clearTimeout(this.#deadline);
    this.#ladder.works(this.#current);
    if (this.name === "websocket") this.#climb.done();
    else this.#climb.start();
  }

  #expect(ms) {
    this.#clock.clearTimeout(this.#deadline);
    this.#deadline = this.#clock.setTimeout(() => this.#late(), ms);
  }

  #late() {
    this.#current.drop();
    this.#ended(ABNORMAL);
  }

  #ended(code, after) {
    const { greeted } = this.#current;
    this.#letGo();
    if (!greeted && !this.#closing && this.#ladder.failed(code)) this.open();
    else this.onclose(code, after);
  }

  #letGo() {
    this.#clock.clearTimeout(this.#deadline);
    this.#climb.stop();
    this.#changeover?.drop();
    this.#current = this.#changeover = null;
  }

  // A WebSocket has logged in beside the polls, and was told so much by then.
  #goOver(socket, said) {
    const changeover = new Changeover(this.#current, {
      clock: this.#clock,
      receive: (frame) => this.onframe(frame),
      done: (kept) => {
        this.#changeover = null;
        for (const frame of kept) socket.send(frame);
      },
    });
    this.#changeover = changeover;
    this.#current = this.#attend(socket);
    for (const frame of said) if (this.#current === socket) this.#heard(frame);
    if (this.#changeover === changeover) changeover.start();
  }
}
