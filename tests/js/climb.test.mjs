import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ChatClient } from "../../static/chat/client.js";
import { ModelServer, randomOf } from "./model.mjs";
import { FakeClock, FakeStorage, fakeFetch, fakeSockets, settled } from "./support.mjs";

let clock, WebSocket, fetch, client, transports, waker, heard;

const poll = () => fetch.latest;
const socket = () => WebSocket.latest;
const room = (seq) => ({ gid: "lobby", name: "Lobby", seq, read: 0, unread: 0, ts: 1 });
const bob = (seq) => ({ uid: "2", name: "bob", seq, read: 0, unread: 0, ts: 1 });
const said = (seq) => ({ type: "groupPm", gid: "lobby", uid: "2", name: "bob", seq, content: `said ${seq}` });
const event = (data) => ({ type: "event", name: "push", data });
const seqs = () => heard.filter(({ type }) => type === "groupPm" || type === "pm").map(({ seq }) => seq);
const events = () => heard.filter(({ type }) => type === "event").map(({ data }) => data);

/** A page of ada that polls, since two sockets failed. */
beforeEach(async () => {
  clock = new FakeClock();
  WebSocket = fakeSockets();
  fetch = fakeFetch();
  client = new ChatClient("https://chat.example/chat/ws", {
    WebSocket, fetch, clock, storage: new FakeStorage(), random: () => 0, online: () => true, hidden: () => false,
    log: () => {}, watch: (watched) => { waker = watched; },
  });
  [heard, transports] = [[], []];
  for (const type of ["groupPm", "pm", "event"]) client.on(type, (frame) => heard.push(frame));
  client.on("transport", (transport) => transports.push(transport));
  client.connect();
  for (let attempt = 0; attempt < 2; attempt++) {
    socket().hangsUp(1006);
    await clock.pass(0);
  }
  await poll().welcomes({ groups: [room(40)], peers: [bob(6)] });
});

/** Time in which nothing happens: held polls end, and questions are answered. */
async function quiet(ms) {
  for (let passed = 0; passed < ms; passed += 1_000) {
    await clock.pass(1_000);
    if (!poll().wait || passed % 20_000 === 0) await poll().answers({ frames: poll().frames.map(({ id }) => ({ type: "pong", id })) });
  }
}

const tried = () => WebSocket.sockets.length - 2;

describe("a client that polls", () => {
  test("tries a socket after a minute, then more and more seldom, and nobody notices", async () => {
    const states = [];
    client.on("state", (state) => states.push(state));
    const times = [];
    const began = clock.ticks();
    for (let minute = 0; minute < 45; minute++) {
      const before = tried();
      await quiet(60_000);
      if (tried() === before) continue;
      times.push(Math.round((clock.ticks() - began) / 60_000));
      socket().hangsUp(1006);
    }
    assert.deepEqual(times, [1, 2, 4, 8, 16, 26, 36]);
    assert.deepEqual([states, client.transport], [[], "long-polling"]);
  });

  test("gives a socket up that never logs in", async () => {
    await quiet(60_000);
    const [first] = [socket()];
    first.accepts();
    await quiet(11_000);
    assert.ok(first.closedWith);
    assert.equal(client.transport, "long-polling");
  });

  test("tries when there is reason to hope, but not every time", async () => {
    await quiet(29_000);
    waker.wake();
    assert.equal(tried(), 0);
    await quiet(1_000);
    for (const sign of ["online", "visible", "resume"]) waker.wake(sign);
    assert.equal(tried(), 1);
    socket().hangsUp(1006);
    await quiet(29_000);
    waker.wake();
    assert.equal(tried(), 1);
    await quiet(1_000);
    waker.wake();
    assert.equal(tried(), 2);
  });

  test("that moved down from a socket that worked looks back soon", async () => {
    await quiet(60_000);
    socket().welcomes();
    socket().hangsUp(1006);
    for (let attempt = 0; attempt < 2; attempt++) {
      await clock.pass(1_000);
      socket().hangsUp(1006);
    }
    await settled();
    await poll().welcomes();
    const before = tried();
    await clock.pass(5_000);
    assert.equal(tried(), before + 1);
  });

  test("that lost its connection lets the socket go that it tried", async () => {
    await quiet(60_000);
    const first = socket();
    await poll().says(400, { frames: [], close: 1012 });
    assert.ok(first.closedWith);
    await clock.pass(0);
    await poll().welcomes();
    const before = tried();
    await quiet(59_000);
    assert.equal(tried(), before);
    await quiet(2_000);
    assert.equal(tried(), before + 1, "the logins of the polls do not put it off");
  });
});

describe("the changeover", () => {
  beforeEach(() => quiet(60_000));

  test("asks the socket for what the polls did not bring, and ends the polls", async () => {
    await poll().answers({ frames: [said(41)] });
    const held = poll();
    socket().accepts();
    assert.deepEqual(socket().sent[0].resume, { epoch: "e1", seqs: { "g:lobby": 41, "p:2": 6 } });
    assert.equal(held.open, true);
    socket().welcomes({ groups: [room(42)] });
    socket().says(said(42));
    await settled();
    assert.equal(held.open, false);
    assert.deepEqual([poll().frames, poll().wait], [[], 0]);
    await poll().answers();
    await clock.pass(40_000);
    assert.equal(fetch.polls.some(({ open }) => open), false);
    assert.deepEqual([client.state, client.transport, transports], ["open", "websocket", ["long-polling", "websocket"]]);
    assert.deepEqual(seqs(), [41, 42]);
  });

  test("tells each message once, whoever brings it first", async () => {
    socket().welcomes();
    await settled();
    socket().says(said(41));
    socket().says(said(42));
    await poll().answers({ frames: [said(41), said(42), said(43)] });
    socket().says(said(43));
    socket().says(said(44));
    assert.deepEqual(seqs(), [41, 42, 43, 44]);
  });

  test("tells each event as often as it was said", async () => {
    socket().welcomes();
    await settled();
    socket().says(event("both"));
    socket().says(event("twice"));
    socket().says(event("twice"));
    await poll().answers({ frames: [event("before"), event("both"), event("twice"), event("twice"), event("late")] });
    assert.deepEqual(events(), ["both", "twice", "twice", "before", "late"]);
    socket().says(event("both"));
    assert.deepEqual(events().at(-1), "both");
  });

  test("does not let what is said overtake what was said before", async () => {
    const first = client.request("group", { gid: "lobby", content: "first" });
    await settled();
    socket().welcomes();
    const second = client.request("group", { gid: "lobby", content: "second" });
    await settled();
    assert.equal(socket().asked("group").length, 0);
    const mine = poll();
    await mine.answers({ frames: [{ type: "ack", id: mine.frames[0].id, ok: true, seq: 41 }] });
    assert.equal((await first).seq, 41);
    await poll().answers();
    const [{ content, id }] = socket().asked("group");
    assert.equal(content, "second");
    socket().says({ type: "ack", id, ok: true, seq: 42 });
    assert.equal((await second).seq, 42);
  });

  test("is not held up by polls that do not answer any more", async () => {
    client.request("group", { gid: "lobby", content: "first" }).catch(() => {});
    await settled();
    socket().welcomes();
    client.request("group", { gid: "lobby", content: "second" }).catch(() => {});
    await clock.pass(5_000);
    assert.equal(socket().asked("group")[0].content, "second");
  });

  test("says on the socket at once what nothing stands before", async () => {
    socket().welcomes();
    client.send("typing", { gid: "lobby" });
    assert.equal(socket().asked("typing").length, 1);
  });

  test("that breaks off in the middle loses nothing", async () => {
    socket().welcomes({ groups: [room(44)] });
    socket().says(said(41));
    socket().hangsUp(1006);
    assert.equal(client.state, "reconnecting");
    assert.equal(poll().open, false);
    await clock.pass(0);
    socket().accepts();
    assert.deepEqual(socket().sent[0].resume.seqs["g:lobby"], 41);
  });

  test("to another person's login ends it all", async () => {
    socket().welcomes({ uid: "9", groups: [room(9)] });
    socket().says(said(41));
    await settled();
    assert.deepEqual([client.state, client.why, client.uid, seqs()], ["closed", "other", "1", []]);
    await clock.pass(600_000);
    assert.equal(fetch.polls.some(({ open }) => open), false);
    assert.equal(tried(), 1);
  });

  test("of a client that closes says what there is to say, then ends", async () => {
    client.request("group", { gid: "lobby", content: "first" }).catch(() => {});
    await settled();
    socket().welcomes();
    client.request("group", { gid: "lobby", content: "second" }).catch(() => {});
    client.close();
    assert.equal(socket().asked("group")[0].content, "second");
    socket().hangsUp(1000);
    await settled();
    assert.deepEqual([client.state, clock.waiting], ["closed", 0]);
  });
});

describe("up and down at random", () => {
  const COUNT = 120;

  async function live(seed, { trouble }) {
    const random = randomOf(seed);
    const time = new FakeClock();
    const server = new ModelServer(time, random);
    const ada = new ChatClient("https://chat.example/chat/ws", {
      WebSocket: server.WebSocket, fetch: server.fetch, clock: time, storage: new FakeStorage(), random,
      online: () => true, hidden: () => random() < 0.1, log: () => {}, watch: () => {},
    });
    const got = { messages: [], events: [], own: [], ways: new Set() };
    const unsent = new Map();
    ada.on("groupPm", ({ seq, content, uid }) => {
      got.messages.push(seq);
      if (uid === "1") got.own.push(content);
    });
    ada.on("event", ({ data }) => got.events.push(data));
    const send = ([id, content]) => ada.request("group", { gid: "lobby", content, id }).then(() => unsent.delete(id), () => {});
    ada.on("login", () => { for (const message of unsent) send(message); });
    ada.on("transport", (transport) => got.ways.add(transport));
    server.blocked = true;
    ada.connect();
    while (ada.state !== "open") await time.pass(100);
    for (let number = 0; number < COUNT; number++) {
      if (random() < 0.5) server.say(`of bob ${number}`);
      if (random() < 0.5) server.emit(number);
      if (random() < 0.5) {
        unsent.set(`id${number}`, number);
        send([`id${number}`, number]);
      }
      if (trouble(server, random)) await time.pass(random() * 3_000);
      await time.pass(random() < 0.3 ? random() * 30_000 : random() * 200);
    }
    Object.assign(server, { blocked: false, failing: 0 });
    await time.pass(1_300_000);
    return { got, server, unsent, ada };
  }

  function check({ got, server, unsent, ada }) {
    assert.deepEqual(got.messages, server.messages.map(({ seq }) => seq));
    assert.equal(unsent.size, 0);
    const own = server.messages.filter(({ uid }) => uid === "1").map(({ content }) => content);
    assert.deepEqual(got.own, own);
    assert.deepEqual([ada.state, ada.transport], ["open", "websocket"]);
    return own;
  }

  for (let seed = 1; seed <= 30; seed++) {
    test(`nothing is lost, doubled or out of order while the way up is open now and then (seed ${seed})`, async () => {
      const life = await live(seed, {
        trouble: (server, random) => { server.blocked = random() < 0.5; },
      });
      const own = check(life);
      assert.deepEqual(own, [...own].sort((a, b) => a - b));
      assert.deepEqual(life.got.events, life.server.events.map(({ data }) => data));
    });

    test(`nothing is lost or doubled while everything breaks (seed ${seed})`, async () => {
      const life = await live(100 + seed, {
        trouble(server, random) {
          server.failing = random() < 0.3 ? 0.5 : 0;
          server.blocked = random() < 0.6;
          if (random() < 0.2) server.cut();
          return true;
        },
      });
      check(life);
      assert.equal(new Set(life.got.events).size, life.got.events.length);
      assert.ok(life.got.ways.size > 1);
    });
  }
});
