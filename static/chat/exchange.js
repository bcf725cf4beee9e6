// One poll: a POST with a deadline, and what came of it. It never throws; the outcome is one of
//
//   { cursor, frames, pause }   an answer
//   { frames, close, after }    the session is over, as after a WebSocket's close code
//   { refused }                 the server does not take these frames: an `error` frame; asking again is of no use
//   { failed, undone, after }   no answer of the chat's: the same may be asked again, after so many ms if any are named;
//                               `undone`: nothing of it was carried out

const PASSING = new Set([408, 425, 429]);
const UNDONE = new Set([429, 503]);
// An answer of the chat's that names no close code.
const CLOSES = { 401: 4401, 403: 4403 };

/** The address of the polls of the chat whose socket is at `url`. */
export function pollUrl(url) {
  const full = new URL(url, globalThis.location?.href);
  full.protocol = full.protocol.replace("ws", "http");
  full.pathname = full.pathname.replace(/\/ws$/, "/poll");
  full.search = "";
  return full.href;
}

/** `body` is { cursor, frames, wait }; `limit` ms are waited for all of the answer. `abort()` ends it: it failed then. */
export class Exchange {
  outcome;
  #controller = new AbortController();

  constructor(url, body, { fetch, clock, limit }) {
    this.body = body;
    const deadline = clock.setTimeout(() => this.abort(), limit);
    this.outcome = this.#ask(url, fetch).catch(() => ({ failed: true })).finally(() => clock.clearTimeout(deadline));
  }

  abort() {
    this.#controller.abort();
  }

  async #ask(url, fetch) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(this.body),
      cache: "no-store",
      credentials: "same-origin",
      signal: this.#controller.signal,
    });
    const said = await response.json().catch(() => null);
    return outcomeOf(response, Array.isArray(said?.frames) ? said : null);
  }
}

function outcomeOf(response, said) {
  const { status, ok } = response;
  const close = said?.close ?? (said && CLOSES[status]);
  const after = retryAfter(response, said);
  if (close !== undefined && close !== null) return { frames: said.frames, close, after };
  if (ok && typeof said?.cursor === "string") return { cursor: said.cursor, frames: said.frames, pause: said.pause ?? 0 };
  const mine = status >= 400 && status < 500 && !PASSING.has(status);
  return mine && said ? { refused: said.frames[0] ?? { type: "error", code: "bad_request" } } : { failed: true, undone: UNDONE.has(status), after };
}

/** In ms. A page of another origin cannot see the header, but the frame says the same. */
function retryAfter(response, said) {
  const header = response.headers.get("Retry-After");
  const seconds = header === null || header === "" ? said?.frames[0]?.retry_after : Number(header);
  return Number.isFinite(seconds) ? seconds * 1_000 : undefined;
}
