import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Exchange, pollUrl } from "../../static/chat/exchange.js";
import { FakeClock, fakeFetch, settled } from "./support.mjs";

let clock, fetch;

beforeEach(() => {
  clock = new FakeClock();
  fetch = fakeFetch();
});

const ask = (body = { cursor: null, frames: [], wait: 0 }) =>
  new Exchange("https://chat.example/chat/poll", body, { fetch, clock, limit: 10_000 });

async function outcomeOf(status, body, headers) {
  const { outcome } = ask();
  fetch.latest.says(status, body, headers);
  return outcome;
}

const error = (code, more) => ({ type: "error", code, message: code, ...more });

test("the address of the polls is beside the socket's", () => {
  for (const [socket, poll] of [
    ["wss://chat.example/chat/ws", "https://chat.example/chat/poll"],
    ["http://chat.example/a/chat/ws?token=T", "http://chat.example/a/chat/poll"],
    ["ws://127.0.0.1:8000/news/ws", "http://127.0.0.1:8000/news/poll"],
  ]) assert.equal(pollUrl(socket), poll);
});

test("a poll is one JSON request that no cache answers and no foreign site gets the cookie of", () => {
  ask({ cursor: "C", frames: [{ type: "ping" }], wait: 25 });
  const { url, options } = fetch.latest;
  assert.equal(url, "https://chat.example/chat/poll");
  assert.deepEqual(JSON.parse(options.body), { cursor: "C", frames: [{ type: "ping" }], wait: 25 });
  const { method, headers, cache, credentials } = options;
  assert.deepEqual({ method, headers, cache, credentials }, {
    method: "POST", headers: { "Content-Type": "application/json" }, cache: "no-store", credentials: "same-origin",
  });
});

describe("what comes of it", () => {
  test("is an answer", async () => {
    const answer = { cursor: "C2", frames: [{ type: "pong" }], pause: 1_000 };
    assert.deepEqual(await outcomeOf(200, answer), answer);
    assert.equal((await outcomeOf(200, { cursor: "C2", frames: [] })).pause, 0);
  });

  test("is the end of the session, by its close code or by the status alone", async () => {
    for (const [status, body, code] of [
      [400, { frames: [error("bad_cursor")], close: 1012 }, 1012],
      [429, { frames: [error("rate_limited")], close: 4429 }, 4429],
      [401, { frames: [error("bad_token")] }, 4401],
      [403, { frames: [error("forbidden")] }, 4403],
    ]) {
      const { close, frames } = await outcomeOf(status, body);
      assert.equal(close, code);
      assert.deepEqual(frames, body.frames);
    }
  });

  test("is a refusal of the frames, which no repetition mends", async () => {
    for (const status of [400, 413, 415, 422]) {
      assert.equal((await outcomeOf(status, { frames: [error("too_large")] })).refused.code, "too_large");
    }
  });

  test("is nothing that counts, if the answer is not the chat's", async () => {
    for (const [status, body] of [[200, "<h1>Please log in to the hotel's network</h1>"], [200, {}], [404, "gone"],
      [502, "Bad gateway"], [401, "proxy"], [500, { frames: [error("internal")] }], [408, ""]]) {
      const { failed, undone, after } = await outcomeOf(status, body);
      assert.deepEqual([failed, undone, after], [true, false, undefined], `${status} ${body}`);
    }
  });

  test("may say when to ask again, in the header or in the frame", async () => {
    assert.deepEqual(await outcomeOf(503, "full", { "Retry-After": "3" }), { failed: true, undone: true, after: 3_000 });
    assert.deepEqual(await outcomeOf(503, { frames: [error("unavailable", { retry_after: 2 })] }), { failed: true, undone: true, after: 2_000 });
    assert.deepEqual(await outcomeOf(429, { frames: [error("rate_limited", { retry_after: 0.5 })] }), { failed: true, undone: true, after: 500 });
    assert.equal((await outcomeOf(503, "", { "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" })).after, undefined);
  });

  test("is a failure where the network fails, and where nothing comes in time", async () => {
    const broken = ask();
    fetch.latest.breaks();
    assert.deepEqual(await broken.outcome, { failed: true });
    const silent = ask();
    await clock.pass(9_999);
    assert.equal(fetch.latest.open, true);
    await clock.pass(1);
    assert.deepEqual(await silent.outcome, { failed: true });
    assert.equal(fetch.latest.open, false);
  });

  test("leaves no timer behind", async () => {
    const { outcome } = ask();
    fetch.latest.answers();
    await outcome;
    await settled();
    assert.equal(clock.waiting, 0);
  });
});
