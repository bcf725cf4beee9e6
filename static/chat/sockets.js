// Frames over a WebSocket, one in each of its messages.

import { Transport } from "./transport.js";

const PONG_TIMEOUT = 10_000;
const ABNORMAL = 1006;

/** The address of a page's socket, which a page gives as it gives any other. */
export function socketUrl(url) {
  const full = new URL(url, globalThis.location?.href);
  full.protocol = full.protocol.replace("http", "ws");
  return full.href;
}

export class WebSocketTransport extends Transport {
  name = "websocket";

  #socket = null;
  #url; #WebSocket; #clock;
  #ping; // seconds, once the server told
  #after; // ms, where the server said when to come back
  #silence;

  constructor(url, { WebSocket, clock }) {
    super();
    this.#url = url;
    this.#WebSocket = WebSocket;
    this.#clock = clock;
  }

  get readyState() {
    return this.#socket?.readyState ?? 3;
  }

  open() {
    try {
      this.#socket = new this.#WebSocket(this.#url);
    } catch {
      // The page's policy forbids it: no other news than from a socket that gets nowhere.
      this.#clock.setTimeout(() => this.#ended(ABNORMAL), 0);
      return;
    }
    this.#socket.onopen = () => this.onopen();
    this.#socket.onmessage = ({ data }) => this.#received(JSON.parse(data));
    this.#socket.onclose = ({ code }) => this.#ended(code);
  }

  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  close() {
    this.#socket.close(1000);
  }

  // The other side may be out of reach, so its answer to the close is not waited for.
  drop() {
    super.drop();
    this.#clock.clearTimeout(this.#silence);
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }

  #received(frame) {
    if (frame.type === "hello") {
      this.greeted = true;
      this.#ping = frame.ping;
    }
    if (frame.type === "drain") this.#after = frame.retry_after;
    this.#heard();
    this.onframe(frame);
  }

  #ended(code) {
    this.#clock.clearTimeout(this.#silence);
    this.onclose(code, this.#after);
  }

  // A page cannot see WebSocket pings, and a dead link is silent like a quiet one: after a long
  // silence it asks, and takes further silence for death.
  #heard() {
    if (!this.#ping) return;
    this.#clock.clearTimeout(this.#silence);
    this.#silence = this.#clock.setTimeout(() => this.#ask(), this.#ping * 2_000);
  }

  #ask() {
    this.send({ type: "ping" });
    this.#silence = this.#clock.setTimeout(() => this.#died(), PONG_TIMEOUT);
  }

  #died() {
    const { onclose } = this;
    this.drop();
    onclose(ABNORMAL, this.#after);
  }
}
