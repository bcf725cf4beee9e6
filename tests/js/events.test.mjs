import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, describe, test } from "node:test";
import { ChatClient } from "../../static/chat/client.js";
import { FRAME_TYPES } from "../../static/chat/protocol.js";
import { FakeClock, FakeStorage, fakeFetch, fakeSockets, settled } from "./support.mjs";

const FRAMES = new URL("../../legacy_chat/core/frames.py", import.meta.url);

let clock, WebSocket, client, answers;

beforeEach(() => {
  clock = new FakeClock();
  WebSocket = fakeSockets();
  client = new ChatClient("ws://chat.example/chat/ws", { WebSocket, clock, storage: new FakeStorage(), watch: () => {} });
  answers = [];
  client.connect();
  WebSocket.latest.welcomes();
});

const line = () => WebSocket.latest;
const asked = () => line().asked("event").at(-1);
const note = (...answer) => answers.push(answer);

describe("an event that the page emits", () => {
  test("goes to the server with any JSON, and its answer comes back once", async () => {
    client.emit("order", { id: 7, items: [1, null] }, note);
    const { id, ...frame } = asked();
    assert.deepEqual(frame, { type: "event", name: "order", data: { id: 7, items: [1, null] } });
    line().says({ type: "ack", id, ok: true, data: { total: 12 } });
    line().says({ type: "ack", id, ok: true, data: "again" });
    await settled();
    assert.deepEqual(answers, [[true, { total: 12 }]]);
  });

  test("is a promise for whoever gives no callback", async () => {
    const answer = client.emit("order", 7);
    line().says({ type: "ack", id: asked().id, ok: true, data: null });
    assert.equal(await answer, null);
  });

  test("is answered with false by an error, with its words and its code", async () => {
    client.emit("order", 7, note);
    line().says({ type: "error", id: asked().id, code: "forbidden", message: "Not yours." });
    const refused = client.emit("order", 7);
    line().says({ type: "error", id: asked().id, code: "unknown_event", message: "No handler." });
    await assert.rejects(refused, { code: "unknown_event", message: "No handler." });
    assert.deepEqual(answers, [[false, "Not yours.", "forbidden"]]);
  });

  test("is answered with false after a while without an answer, and then no more", async () => {
    client.emit("order", 7, note);
    const { id } = asked();
    await clock.pass(9_999);
    assert.deepEqual(answers, []);
    await clock.pass(1);
    line().says({ type: "ack", id, ok: true });
    await settled();
    assert.deepEqual(answers, [[false, "timeout", "timeout"]]);
  });

  test("is answered with false where there is no connection, and when it is lost", async () => {
    client.emit("order", 1, note);
    line().hangsUp(1006);
    client.emit("order", 2, note);
    await settled();
    assert.deepEqual(answers, [[false, "offline", "offline"], [false, "offline", "offline"]]);
  });
});

describe("an event of the server", () => {
  const event = (name, data) => line().says({ type: "event", name, data });

  test("is told under its name, with its data, and as a frame", () => {
    client.on("price", note);
    client.on("event", note);
    event("price", { eur: 3 });
    assert.deepEqual(answers, [[{ type: "event", name: "price", data: { eur: 3 } }], [{ eur: 3 }]]);
  });

  test("cannot be taken for anything else", () => {
    for (const name of [...FRAME_TYPES, "state", "transport"]) if (name !== "event") client.on(name, () => note(name));
    for (const name of [...FRAME_TYPES, "state", "transport"]) event(name, {});
    assert.deepEqual(answers, []);
    client.on("event", note);
    event("event", "by its type only");
    assert.deepEqual(answers, [[{ type: "event", name: "event", data: "by its type only" }]]);
  });

  test("the names that are taken are those of all frames", () => {
    const tags = [...readFileSync(FRAMES, "utf8").matchAll(/\btag="(\w+)"/g)].map(([, tag]) => tag);
    assert.ok(tags.length > 20);
    assert.deepEqual(tags.filter((tag) => !FRAME_TYPES.has(tag)), [], "missing in FRAME_TYPES of protocol.js");
  });
});

test("events travel by polls as well", async () => {
  const fetch = fakeFetch();
  client = new ChatClient("http://chat.example/chat/ws", {
    transports: ["polling"], fetch, clock, storage: new FakeStorage(), random: () => 0, watch: () => {}, log: () => {},
  });
  client.on("price", note);
  client.connect();
  await settled();
  await fetch.latest.welcomes();
  client.emit("order", 7, note);
  await settled();
  const { id } = fetch.latest.asked("event")[0];
  await fetch.latest.answers({ frames: [{ type: "event", name: "price", data: 3 }, { type: "ack", id, ok: true, data: "done" }] });
  assert.deepEqual(answers, [[3], [true, "done"]]);
});

test("the client needs nothing but itself: no page, no words, no vendored files", () => {
  const folder = new URL("../../static/chat/", import.meta.url);
  const needed = new Set(["client.js"]);
  for (const name of needed) {
    const source = readFileSync(new URL(name, folder), "utf8");
    for (const [, other] of source.matchAll(/from "\.\/([^"]+)"/g)) needed.add(other);
  }
  for (const name of ["lit.js", "i18n.js", "page.js"]) assert.equal(needed.has(name), false, name);
});
