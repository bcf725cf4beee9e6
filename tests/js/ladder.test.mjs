import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ChatClient } from "../../static/chat/client.js";
import { FakeClock, FakeStorage, fakeFetch, fakeSockets, settled } from "./support.mjs";

let clock, WebSocket, fetch, storage, client, states, transports, log, online, waker;

/** A page of ada in this tab. */
function load(options = {}) {
  client = new ChatClient("https://chat.example/chat/ws", {
    WebSocket, fetch, clock, storage, random: () => 0.5, online: () => online, hidden: () => false,
    log: (words) => log.push(words), watch: (watched) => { waker = watched; }, ...options,
  });
  states = [];
  transports = [];
  log = [];
  client.on("state", (state) => states.push(state));
  client.on("transport", (transport) => transports.push([transport, client.state]));
}

beforeEach(() => {
  clock = new FakeClock();
  WebSocket = fakeSockets();
  fetch = fakeFetch();
  storage = new FakeStorage();
  online = true;
  load();
});

const sockets = () => WebSocket.sockets.length;
const poll = () => fetch.latest;

async function refused(times = 1) {
  for (let time = 0; time < times; time++) {
    WebSocket.latest.hangsUp(1006);
    await settled();
    if (time < times - 1) await clock.pass(client.retryAt - clock.ticks());
  }
}

/** The page polls, since WebSockets fail here. */
async function polling(welcome) {
  client.connect();
  await refused(2);
  await poll().welcomes(welcome);
}

describe("down the ladder", () => {
  test("two sockets that got nowhere are followed by polls in the same moment", async () => {
    client.connect();
    await refused();
    assert.equal(client.state, "reconnecting");
    await clock.pass(500);
    await refused();
    assert.deepEqual([client.state, poll().cursor, sockets()], ["connecting", null, 2]);
    assert.equal(poll().url, "https://chat.example/chat/poll");
    assert.deepEqual(poll().frames, [{ type: "login", content: "login" }]);
    await poll().welcomes();
    assert.equal(client.state, "open");
    assert.deepEqual(states, ["connecting", "reconnecting", "connecting", "open"]);
  });

  test("the change is told with its reason, before anything else is", async () => {
    await polling();
    assert.equal(client.transport, "long-polling");
    assert.deepEqual(transports, [["long-polling", "connecting"]]);
    assert.deepEqual(log, ["Chat goes by long-polling: the WebSocket failed twice before the server's hello (close code 1006)."]);
  });

  test("a socket that is swallowed by the network is not waited for much longer than a person would", async () => {
    client.connect();
    await clock.pass(6_000);
    assert.equal(sockets(), 2);
    assert.ok(WebSocket.sockets.every(({ closedWith }) => closedWith));
    assert.equal(poll().open, true);
  });

  test("a server that said hello and is slow with the login is no reason", async () => {
    client.connect();
    for (let attempt = 0; attempt < 3; attempt++) {
      WebSocket.latest.accepts();
      WebSocket.latest.says({ type: "hello", ping: 25, limits: {} });
      await clock.pass(15_000);
      assert.equal(client.state, "reconnecting");
      await clock.pass(client.retryAt - clock.ticks());
    }
    assert.equal(fetch.polls.length, 0);
  });

  for (const code of [1012, 1013]) {
    test(`a server that wants us back later (${code}) is no reason`, async () => {
      client.connect();
      for (let attempt = 0; attempt < 4; attempt++) {
        WebSocket.latest.hangsUp(code);
        await clock.pass(client.retryAt - clock.ticks());
      }
      assert.equal(fetch.polls.length, 0);
    });
  }

  test("nor is a browser without a network", async () => {
    client.connect();
    online = false;
    for (let attempt = 0; attempt < 5; attempt++) {
      await refused();
      await clock.pass(client.retryAt - clock.ticks());
    }
    assert.equal(fetch.polls.length, 0);
    online = true;
    await refused();
    await clock.pass(client.retryAt - clock.ticks());
    await refused();
    assert.equal(fetch.polls.length, 1);
  });

  test("nor is a server that does not want us at all", async () => {
    client.connect();
    await refused();
    await clock.pass(500);
    WebSocket.latest.hangsUp(4403);
    assert.deepEqual([client.state, client.why, fetch.polls.length], ["closed", "forbidden", 0]);
  });

  test("one failure between two that worked is forgotten", async () => {
    client.connect();
    for (let round = 0; round < 3; round++) {
      await refused();
      await clock.pass(client.retryAt - clock.ticks());
      WebSocket.latest.welcomes();
      WebSocket.latest.hangsUp(1006);
      await clock.pass(client.retryAt - clock.ticks());
    }
    assert.equal(fetch.polls.length, 0);
  });

  test("a page that forbids sockets gets nowhere with them", async () => {
    load({ WebSocket: class { constructor() { throw new Error("Content-Security-Policy"); } } });
    client.connect();
    await clock.pass(600);
    assert.equal(fetch.polls.length, 1);
  });

  test("a browser without sockets begins with polls", async () => {
    load({ WebSocket: undefined });
    client.connect();
    await settled();
    await poll().welcomes();
    assert.deepEqual([client.state, client.transport], ["open", "long-polling"]);
    await clock.pass(600_000);
    assert.equal(client.state, "reconnecting", "nobody answers, but nobody tries a socket either");
  });

  test("a site may want sockets only", async () => {
    load({ transports: ["websocket"] });
    client.connect();
    for (let attempt = 0; attempt < 5; attempt++) {
      await refused();
      await clock.pass(client.retryAt - clock.ticks());
    }
    assert.equal(fetch.polls.length, 0);
  });

  test("a site may want polls only", async () => {
    load({ transports: ["polling"] });
    client.connect();
    await settled();
    await poll().welcomes();
    assert.equal(client.state, "open");
    for (let minute = 0; minute < 60; minute++) {
      await clock.pass(25_000);
      await poll().answers();
    }
    assert.equal(sockets(), 0);
  });
});

describe("where nothing gets through", () => {
  test("both are tried in turn with growing delays, and whichever works first is taken", async () => {
    client.connect();
    await refused(2);
    const waits = [];
    for (let round = 0; round < 3; round++) {
      await poll().breaks();
      assert.equal(client.state, "reconnecting");
      waits.push(client.retryAt - clock.ticks());
      await clock.pass(client.retryAt - clock.ticks());
      await refused();
      assert.equal(poll().open, true);
    }
    assert.deepEqual(waits, [1_000, 2_000, 4_000]);
    await poll().breaks();
    await clock.pass(client.retryAt - clock.ticks());
    WebSocket.latest.welcomes();
    assert.deepEqual([client.state, client.transport, transports], ["open", "websocket", []]);
  });

  test("a server that is full is left alone for as long as it wants", async () => {
    client.connect();
    await refused(2);
    await poll().says(503, "full", { "Retry-After": "4" });
    assert.equal(client.state, "reconnecting");
    assert.equal(client.retryAt - clock.ticks(), 4_500);
    await clock.pass(4_500);
    assert.equal(poll().open, true);
    assert.equal(sockets(), 2);
  });

  test("an ended session is final here as well", async () => {
    client.connect();
    await refused(2);
    await poll().says(401, { frames: [{ type: "error", code: "not_logged_in", message: "Log in." }], close: 4401 });
    assert.deepEqual([client.state, client.why], ["closed", "session"]);
  });
});

describe("a lost connection", () => {
  test("by WebSocket is followed by a WebSocket, which gets longer to answer than the first one", async () => {
    client.connect();
    WebSocket.latest.welcomes();
    WebSocket.latest.hangsUp(1006);
    await clock.pass(500);
    await clock.pass(6_999);
    assert.deepEqual([sockets(), client.state], [2, "connecting"]);
    await clock.pass(1);
    assert.equal(client.state, "reconnecting");
  });

  test("by polling is followed by polling, with resume, and counts down like any other", async () => {
    await polling({ groups: [{ gid: "lobby", name: "Lobby", seq: 40, read: 0, unread: 0, ts: 1 }] });
    for (let failure = 0; failure < 3; failure++) {
      await poll().breaks();
      if (failure < 2) await clock.pass(500 * 2 ** failure);
    }
    assert.equal(client.state, "reconnecting");
    assert.ok(client.secondsToRetry >= 1);
    const outcome = assert.rejects(client.request("rooms"), { code: "offline" });
    await clock.pass(client.retryAt - clock.ticks());
    assert.deepEqual(poll().frames[0].resume, { epoch: "e1", seqs: { "g:lobby": 40 } });
    assert.equal(poll().cursor, null);
    await poll().welcomes();
    assert.equal(client.state, "open");
    await outcome;
  });

  test("whose cursor is too old logs in again", async () => {
    await polling();
    await poll().says(400, { frames: [{ type: "error", code: "bad_cursor", message: "too old" }], close: 1012 });
    assert.equal(client.state, "reconnecting");
    await clock.pass(client.retryAt - clock.ticks());
    assert.deepEqual([poll().cursor, poll().frames[0].type], [null, "login"]);
  });

  test("that a woken page finds dead is replaced", async () => {
    await polling();
    waker.wake();
    await settled();
    assert.deepEqual(poll().frames.map(({ type }) => type), ["ping"]);
    await clock.pass(2_000);
    assert.equal(client.state, "connecting");
    assert.deepEqual([poll().cursor, poll().frames[0].type], [null, "login"]);
  });

  test("is none while the answer to a woken page's question comes", async () => {
    await polling();
    waker.wake();
    await settled();
    await poll().answers({ frames: [{ type: "pong", id: poll().frames[0].id }] });
    await clock.pass(5_000);
    assert.equal(client.state, "open");
  });

  test("is none where the browser says so: it is tried again when the network is back", async () => {
    await polling();
    online = false;
    waker.drop();
    assert.equal(client.state, "reconnecting");
    online = true;
    waker.wake();
    await settled();
    assert.equal(poll().frames[0].type, "login");
  });

  test("that we close is over when what we said has arrived", async () => {
    await polling();
    const sent = client.request("group", { gid: "lobby", content: "bye" });
    client.close();
    assert.equal(client.state, "closing");
    await settled();
    await poll().answers({ frames: [{ type: "ack", id: poll().frames[0].id, ok: true, seq: 1 }] });
    assert.equal((await sent).seq, 1);
    assert.equal(client.state, "closed");
    await clock.pass(600_000);
    assert.deepEqual([sockets(), clock.waiting], [2, 0]);
  });

  test("that we close while it opens does not go on by another way", async () => {
    client.connect();
    await refused();
    await clock.pass(500);
    client.close();
    WebSocket.latest.hangsUp(1006);
    await clock.pass(60_000);
    assert.deepEqual([client.state, fetch.polls.length, clock.waiting], ["closed", 0, 0]);
  });
});

describe("the next page of the tab", () => {
  test("begins with polls where a page needed them, and soon looks whether it still has to", async () => {
    await polling();
    load();
    const before = sockets();
    client.connect();
    await settled();
    assert.equal(sockets(), before);
    await poll().welcomes();
    assert.equal(client.transport, "long-polling");
    assert.match(log[0], /no WebSocket came about in this tab before/);
    await clock.pass(5_000);
    assert.equal(sockets(), before + 1);
    WebSocket.latest.welcomes();
    assert.equal(client.transport, "websocket");
    load();
    client.connect();
    assert.equal(sockets(), before + 2, "and forgets it when a WebSocket works");
  });

  test("is not told where not even polling worked", async () => {
    client.connect();
    await refused(2);
    await poll().breaks();
    load();
    client.connect();
    assert.equal(sockets(), 3);
  });

  test("in a browser that keeps nothing begins with a socket", async () => {
    load({ storage: null });
    await polling();
    load({ storage: null });
    client.connect();
    assert.equal(sockets(), 3);
  });

  test("is not told what a site forbade", async () => {
    load({ transports: ["polling"] });
    client.connect();
    await settled();
    await poll().welcomes();
    load();
    client.connect();
    assert.equal(sockets(), 1);
  });
});
