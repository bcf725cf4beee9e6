// What carries frames between a client and the server. Two classes do: WebSocketTransport and PollTransport.
//
//   new ──open()──▶ onopen() ──▶ onframe(frame) … ──▶ onclose(code, after)
//
// The first frame that is sent is the login. `onclose` is told once, with a close code as a WebSocket has it and,
// where the server asked for it, the ms after which to come back.

const nothing = () => {};

export class Transport {
  onopen = nothing;
  onframe = nothing;
  onclose = nothing;
  /** How this goes: "websocket", "long-polling" or "polling". */
  name;
  /** The server said `hello`, so this way leads somewhere. */
  greeted = false;

  /** As the browser's own: 0 connecting, 1 open, 2 closing, 3 closed. */
  get readyState() { return 3; }

  /** Begins. */
  open() {}

  /** Takes a frame; it goes as soon as it can. */
  send(_frame) {}

  /** Sends what was taken, says goodbye, and tells `onclose`. */
  close() {}

  /** Lets go at once, whoever is at the other end, and tells nothing any more. */
  drop() {
    this.onopen = this.onframe = this.onclose = nothing;
  }

  /** Somebody looks at the page again, or there is a network again. */
  wake() {}

  /** Nobody looks at the page. */
  rest() {}
}
