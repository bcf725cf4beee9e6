import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ChatError } from "../../static/chat/client.js";
import { Outbox } from "../../static/chat/outbox.js";
import { Store } from "../../static/chat/store.js";
import { FakeClock, FakeStorage, settled } from "./support.mjs";

let clock, storage, sending, outbox, news;

/** A page of somebody, over the storage of this tab. */
function open(owner = "1") {
  outbox = new Outbox({
    clock,
    store: new Store(storage, owner),
    send: ({ id, content }) => new Promise((resolve, reject) => sending.push({ id, content, resolve, reject })),
  });
  news = [];
  for (const name of ["changed", "sent", "dropped"]) outbox.on(name, ({ state }) => news.push(name === "changed" ? state : name));
}

beforeEach(() => {
  clock = new FakeClock();
  storage = new FakeStorage();
  sending = [];
  open();
});

describe("an unsent message", () => {
  test("is on its way until the server has it", async () => {
    const item = outbox.add("g:lobby", "hello");
    assert.equal(item.state, "pending");
    sending[0].resolve({ seq: 4 });
    await clock.pass(20_000);
    assert.deepEqual(outbox.items, []);
    assert.deepEqual(news, ["pending", "sent"]);
  });

  test("counts as not sent after five seconds without a word", async () => {
    const item = outbox.add("g:lobby", "hello");
    await clock.pass(4_900);
    assert.equal(item.state, "pending");
    await clock.pass(200);
    assert.equal(item.state, "failed");
    assert.equal(item.error, null);
  });

  test("is sent after all when the answer comes late", async () => {
    outbox.add("g:lobby", "hello");
    await clock.pass(6_000);
    sending[0].resolve({ seq: 4 });
    await settled();
    assert.deepEqual(outbox.items, []);
  });

  test("waits quietly while there is no connection", async () => {
    const item = outbox.add("g:lobby", "hello");
    sending[0].reject(new ChatError("offline"));
    await settled();
    assert.equal(item.state, "pending");
  });

  test("goes again over a new connection, in order and under the same id", async () => {
    const ids = [outbox.add("g:lobby", "one").id, outbox.add("g:lobby", "two").id];
    sending.forEach(({ reject }) => reject(new ChatError("offline")));
    await clock.pass(10_000);
    outbox.resend();
    assert.deepEqual(sending.slice(2).map(({ id }) => id), ids);
    assert.deepEqual(sending.slice(2).map(({ content }) => content), ["one", "two"]);
  });

  test("that the server refused says why and does not go by itself", async () => {
    const item = outbox.add("g:lobby", "hello");
    sending[0].reject(new ChatError("forbidden", "You may not write here."));
    await settled();
    assert.deepEqual([item.state, item.error], ["failed", { code: "forbidden", message: "You may not write here." }]);
    outbox.resend();
    assert.equal(sending.length, 1);
    outbox.retry(item.id);
    assert.equal(sending.length, 2);
    assert.equal(item.state, "pending");
  });

  test("that came at a bad moment goes with the next connection", async () => {
    const item = outbox.add("g:lobby", "hello");
    sending[0].reject(new ChatError("rate_limited", "Slower, please."));
    await settled();
    assert.equal(item.state, "failed");
    outbox.resend();
    assert.equal(sending.length, 2);
  });

  test("that was given up but had been stored is told, so that the page can show what others see", async () => {
    const told = [];
    outbox.on("stored", ({ key }, { seq }) => told.push([key, seq]));
    const { id } = outbox.add("p:9", "hello");
    outbox.drop(id);
    sending[0].resolve({ seq: 4 });
    await settled();
    assert.deepEqual(told, [["p:9", 4]]);
  });

  test("can be given up, and a late answer does not bring it back", async () => {
    const { id } = outbox.add("g:lobby", "hello");
    outbox.drop(id);
    sending[0].resolve({ seq: 4 });
    await clock.pass(10_000);
    assert.deepEqual(news, ["pending", "dropped"]);
    assert.deepEqual(outbox.items, []);
  });
});

describe("after a reload", () => {
  test("it is still there and goes under its old id", () => {
    const { id } = outbox.add("p:9", "hello");
    open();
    assert.deepEqual(outbox.items.map(({ key, content }) => [key, content]), [["p:9", "hello"]]);
    outbox.resend();
    assert.equal(sending.at(-1).id, id);
  });

  test("what was sent or given up is gone", async () => {
    outbox.add("g:lobby", "sent");
    sending[0].resolve({ seq: 1 });
    outbox.drop(outbox.add("g:lobby", "dropped").id);
    await settled();
    open();
    assert.deepEqual(outbox.items, []);
    assert.equal(storage.kept.size, 0);
  });

  test("the next person at this browser does not send it", () => {
    outbox.add("g:lobby", "hello");
    open("2");
    assert.deepEqual(outbox.items, []);
  });

  test("it fails like any other when no connection comes", async () => {
    outbox.add("g:lobby", "hello");
    open();
    await clock.pass(5_000);
    assert.equal(outbox.items[0].state, "failed");
  });
});

test("what somebody else left in the storage does no harm", () => {
  storage.setItem("legacy-chat:1:outbox", '{"not": "a list"}');
  open();
  assert.deepEqual(outbox.items, []);
});

test("a browser that keeps nothing still lets one write", () => {
  const full = () => { throw new Error("QuotaExceededError"); };
  storage = { getItem: full, setItem: full, removeItem: full };
  open();
  outbox.add("g:lobby", "hello");
  assert.equal(outbox.items.length, 1);
});
