// What was asked and not answered yet. Each request has an id, which its `ack` or `error` carries as well.

const TIMEOUT = 10_000;

/** A request that did not work: `code` is the server's, or "offline", "timeout" or "repeated". */
export class ChatError extends Error {
  constructor(code, message = code, retryAfter = null) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

export class Requests {
  #clock;
  #waiting = new Map(); // id → { frame, held, resolve, reject, timer }

  constructor(clock) {
    this.#clock = clock;
  }

  /**
   * Promises the `ack` of this frame. One that is asked again takes the place of the one before; one that is `held` is not
   * on its way yet, and has no more time for that.
   */
  add(frame, { timeout = TIMEOUT, held = false } = {}) {
    this.#fail(frame.id, new ChatError("repeated"));
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => this.#fail(frame.id, new ChatError("timeout")), timeout);
      this.#waiting.set(frame.id, { frame, held, resolve, reject, timer });
    });
  }

  /** Takes an `ack`, `pong` or `error`; returns the frame that it answers, or null if nobody waits for it. */
  answer(frame) {
    const request = this.#take(frame.id);
    if (frame.type === "error") request?.reject(new ChatError(frame.code, frame.message, frame.retry_after));
    else request?.resolve(frame);
    return request?.frame ?? null;
  }

  /** There is a link: the frames that were held, in their order. */
  release() {
    const held = this.#those((request) => request.held);
    for (const request of held) request.held = false;
    return held.map(({ frame }) => frame);
  }

  /** The link is lost: whether they arrived, nobody knows. What is held did not go, and may still. */
  lose() {
    for (const { frame } of this.#those(({ held }) => !held)) this.#fail(frame.id, new ChatError("offline"));
  }

  /** There will be no link for what is held. */
  giveUp() {
    for (const { frame } of this.#those(({ held }) => held)) this.#fail(frame.id, new ChatError("offline"));
  }

  #those(wanted) {
    return [...this.#waiting.values()].filter(wanted);
  }

  #fail(id, error) {
    this.#take(id)?.reject(error);
  }

  #take(id) {
    const request = this.#waiting.get(id);
    if (!request) return null;
    this.#waiting.delete(id);
    this.#clock.clearTimeout(request.timer);
    return request;
  }
}
