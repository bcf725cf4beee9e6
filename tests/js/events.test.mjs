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
  client = anotherClient();
  answers = [];
  client.connect();
  WebSocket.latest.welcomes();
});

const anotherClient = () => new ChatClient("ws://chat.example/chat/ws", {
  WebSocket, clock, storage: new FakeStorage(), random: () => 0, watch: () => {},
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

  test("is answered with false when the connection is lost: whether it arrived, nobody knows", async () => {
    client.emit("order", 1, note);
    line().hangsUp(1006);
    await clock.pass(1);
    line().welcomes();
    await settled();
    assert.deepEqual(answers, [[false, "offline", "offline"]]);
    assert.deepEqual(line().asked("event"), []);
  });

  test("may come to nothing without anybody who looks, and is no mistake of the page", async (t) => {
    const report = t.mock.fn();
    process.on("unhandledRejection", report);
    client.emit("order", 1);
    line().says({ type: "error", id: asked().id, code: "forbidden", message: "Not yours." });
    client.close();
    const refused = client.emit("order", 2);
    await settled();
    process.off("unhandledRejection", report);
    assert.equal(report.mock.callCount(), 0);
    await assert.rejects(refused, { code: "offline" });
  });
});

describe("an event that is emitted without a connection", () => {
  const sent = () => line().asked("event").map(({ data }) => data);

  test("waits for the login, and goes before what is emitted from then on", async () => {
    client = anotherClient();
    client.on("login", () => client.emit("order", 4));
    client.on("state", (state) => { if (state === "open") client.emit("order", 3); });
    client.connect();
    client.emit("order", 1, note);
    line().accepts();
    client.emit("order", 2, note);
    assert.deepEqual(sent(), []);
    line().welcomes();
    assert.deepEqual(sent(), [1, 2, 3, 4]);
    for (const { id, data } of line().asked("event").slice(0, 2)) line().says({ type: "ack", id, ok: true, data: -data });
    await settled();
    assert.deepEqual(answers, [[true, -1], [true, -2]]);
  });

  test("waits for the connection to come back, over more than one attempt", async () => {
    line().hangsUp(1006);
    const answer = client.emit("order", 1);
    await clock.pass(1);
    line().hangsUp(1006);
    await clock.pass(1);
    line().welcomes();
    assert.deepEqual(sent(), [1]);
    line().says({ type: "ack", id: asked().id, ok: true, data: "done" });
    assert.equal(await answer, "done");
  });

  test("is not waited for longer than any other, and does not go out afterwards", async () => {
    line().hangsUp(1006);
    client.emit("order", 1, note);
    await clock.pass(4_000);
    client.emit("order", 2, note);
    await clock.pass(6_000);
    assert.deepEqual(answers, [[false, "timeout", "timeout"]]);
    line().welcomes();
    assert.deepEqual(sent(), [2]);
    await clock.pass(4_000);
    assert.equal(answers.length, 2, "the waiting and the answer have one time together");
  });

  test("is refused at once where none is on its way", async () => {
    for (const end of [() => {}, () => client.close(), () => { client.connect(); line().hangsUp(4401); }]) {
      client = anotherClient();
      end();
      await assert.rejects(client.emit("order", 1), { code: "offline" });
    }
    client.connect();
    line().welcomes();
    client.close();
    await assert.rejects(client.emit("order", 1), { code: "offline" });
    assert.deepEqual(sent(), []);
  });

  test("is refused when there will be none", async () => {
    for (const end of [() => client.close(), () => line().hangsUp(4401), () => line().welcomes({ uid: "2" })]) {
      client = anotherClient();
      client.uid = "1";
      client.connect();
      const refused = client.emit("order", 1);
      end();
      await assert.rejects(refused, { code: "offline" });
    }
    client = anotherClient();
    client.connect();
    line().hangsUp(1006);
    const refused = client.emit("order", 1);
    client.close();
    await assert.rejects(refused, { code: "offline" });
  });

  test("goes out as it was, and what is no JSON is said at once", async () => {
    line().hangsUp(1006);
    const data = { to: "e4" };
    client.emit("move", data);
    data.self = data;
    assert.throws(() => client.emit("move", data), TypeError);
    await clock.pass(1);
    line().welcomes();
    assert.deepEqual([sent(), client.state], [[{ to: "e4" }], "open"]);
  });

  test("that is more than the server takes costs itself and no other", async () => {
    client = anotherClient();
    client.connect();
    const refused = client.emit("order", "x".repeat(100));
    client.emit("order", 2);
    line().accepts();
    line().says({ type: "hello", limits: { message_bytes: 100 } });
    line().says({ type: "login", uid: "1", epoch: "e", groups: [], peers: [] });
    assert.deepEqual(sent(), [2]);
    await assert.rejects(refused, { code: "too_long" });
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
