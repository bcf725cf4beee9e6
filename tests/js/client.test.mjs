import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ChatClient, backoff } from "../../static/chat/client.js";
import { FakeClock, fakeSockets } from "./support.mjs";

let clock, WebSocket, client, states, waker;

beforeEach(() => {
  clock = new FakeClock();
  WebSocket = fakeSockets();
  client = new ChatClient("ws://chat.example/chat/ws", {
    WebSocket, clock, transports: ["websocket"], random: () => 0.5, watch: (watched) => { waker = watched; },
  });
  states = [];
  client.on("state", (state) => states.push(state));
});

const line = () => WebSocket.latest;
const room = (seq) => ({ gid: "lobby", name: "Lobby", seq, read: 0, unread: seq, ts: 1 });
const peer = (uid, seq) => ({ uid, name: "bob", seq, read: 0, unread: 0, ts: 1 });

function online(login) {
  client.connect();
  line().welcomes(login);
}

describe("the connection", () => {
  test("opens with a login and is open when the server knows who we are", () => {
    client.connect();
    line().accepts();
    assert.deepEqual(line().sent, [{ type: "login", content: "login" }]);
    assert.equal(client.state, "connecting");
    line().says({ type: "login", uid: "7", epoch: "e", groups: [], peers: [] });
    assert.equal(client.uid, "7");
    assert.deepEqual(states, ["connecting", "open"]);
  });

  test("carries a connect token when it has one", () => {
    client = new ChatClient("ws://chat.example/chat/ws", { WebSocket, clock, token: "T", watch: () => {} });
    client.connect();
    line().accepts();
    assert.equal(line().sent[0].token, "T");
  });

  test("carries another one from the next login on", () => {
    client = new ChatClient("ws://chat.example/chat/ws", { WebSocket, clock, token: "old", watch: () => {} });
    client.connect();
    line().accepts();
    line().hangsUp(4401);
    assert.deepEqual([client.state, client.why], ["closed", "session"]);
    client.token = "new";
    client.connect();
    line().accepts();
    assert.deepEqual([line().sent[0].token, client.why], ["new", null]);
  });

  test("turns the address of a page into that of a socket", () => {
    new ChatClient("https://chat.example/chat/ws", { WebSocket, clock, watch: () => {} }).connect();
    assert.equal(line().url, "wss://chat.example/chat/ws");
  });

  test("closes for good when we close it", async () => {
    online();
    client.close();
    assert.equal(client.state, "closing");
    line().hangsUp(1000);
    await clock.pass(60_000);
    assert.equal(client.state, "closed");
    assert.equal(WebSocket.sockets.length, 1);
  });

  test("watches the browser for as long as its owner lives", () => {
    const { signal } = new AbortController();
    let until;
    client = new ChatClient("ws://chat.example/chat/ws", { WebSocket, clock, signal, watch: (_, told) => { until = told; } });
    assert.equal(until, signal);
  });

  test("says so where a name is listened to that never comes", () => {
    for (const name of ["connect", "disconnect", "close"]) {
      assert.throws(() => client.on(name, () => {}), { name: "TypeError", message: /never told: listen to "login"/ });
    }
  });

  test("what is more than the server takes costs an error, not the connection", async () => {
    online();
    line().says({ type: "hello", limits: { message_bytes: 100 } });
    await assert.rejects(client.emit("slow", "x".repeat(100)), { code: "too_long" });
    await assert.rejects(client.emit("slow", "聊".repeat(30)), { code: "too_long" });
    assert.equal(client.send("typing", { gid: "x".repeat(100) }), false);
    assert.equal(client.state, "open");
    assert.deepEqual(line().sent.slice(1), []);
    assert.equal(client.send("typing", { gid: "lobby" }), true);
  });

  test("one listener's mistake is reported and keeps the news from nobody else", (t) => {
    const heard = [];
    const reports = t.mock.method(globalThis, "queueMicrotask", () => {});
    client.on("groupPm", () => { throw new Error("mistake"); });
    client.on("groupPm", ({ content }) => heard.push(content));
    online();
    line().says({ type: "groupPm", gid: "lobby", uid: "2", seq: 1, content: "hello" });
    assert.deepEqual(heard, ["hello"]);
    assert.throws(reports.mock.calls[0].arguments[0], { message: "mistake" });
  });

  test("a listener that was taken off hears nothing more", () => {
    const heard = [];
    const off = client.on("hello", () => heard.push("hello"));
    off();
    online();
    assert.deepEqual(heard, []);
  });
});

describe("coming back", () => {
  test("the delay doubles up to half a minute, and the jitter takes all of it", () => {
    const longest = [0, 1, 2, 3, 4, 5, 20].map((attempt) => backoff(attempt, () => 1));
    assert.deepEqual(longest, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    assert.equal(backoff(5, () => 0), 0);
    assert.equal(backoff(3, () => 0.25), 2_000);
  });

  test("after each failure it waits longer and counts down in seconds", async () => {
    client.connect();
    const waits = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      line().hangsUp(1006);
      assert.equal(client.state, "reconnecting");
      waits.push(client.retryAt - clock.ticks());
      await clock.pass(client.retryAt - clock.ticks());
    }
    assert.deepEqual(waits, [500, 1_000, 2_000, 4_000]);
    line().hangsUp(1006);
    assert.equal(client.secondsToRetry, 8);
    await clock.pass(3_000);
    assert.equal(client.secondsToRetry, 5);
  });

  test("a link that held for a while starts the back-off anew, a flapping one does not", async () => {
    online();
    for (const wait of [500, 1_000]) {
      line().hangsUp(1006);
      assert.equal(client.retryAt - clock.ticks(), wait);
      await clock.pass(wait);
      line().welcomes();
    }
    await clock.pass(6_000);
    line().hangsUp(1006);
    assert.equal(client.retryAt - clock.ticks(), 500);
  });

  for (const code of [4400, 4401, 4403, 4407, 4440, 4499]) {
    test(`close code ${code} is final`, async () => {
      online();
      line().hangsUp(code);
      await clock.pass(120_000);
      assert.equal(client.state, "closed");
      assert.equal(WebSocket.sockets.length, 1);
      assert.ok(client.why);
    });
  }

  for (const code of [1000, 1001, 1006, 1012, 4399, 4408, 4429, 4500]) {
    test(`close code ${code} is not final`, async () => {
      online();
      line().hangsUp(code);
      assert.equal(client.state, "reconnecting");
      assert.equal(client.why, null);
      await clock.pass(30_000);
      assert.equal(WebSocket.sockets.length > 1, true);
    });
  }

  test("it says that the session is over, and tries again when asked", () => {
    online();
    line().hangsUp(4401);
    assert.equal(client.why, "session");
    client.connect();
    assert.equal(client.why, null);
    assert.equal(WebSocket.sockets.length, 2);
  });

  test("a server that is full gets at least five seconds", () => {
    online();
    line().hangsUp(1013);
    assert.equal(client.retryAt - clock.ticks(), 5_000);
  });

  test("a draining server is left alone for as long as it asked, and a little more", async () => {
    online();
    line().says({ type: "drain", retry_after: 3_000 });
    line().hangsUp(1012);
    assert.equal(client.retryAt - clock.ticks(), 3_500);
    await clock.pass(3_500);
    line().hangsUp(1006);
    assert.equal(client.retryAt - clock.ticks(), 500, "the order counts once");
  });

  test("a network that is back, or somebody who looks, ends the waiting", async () => {
    client.connect();
    for (let attempt = 0; attempt < 6; attempt++) {
      line().hangsUp(1006);
      await clock.pass(30_000);
    }
    line().hangsUp(1006);
    const before = WebSocket.sockets.length;
    waker.wake();
    assert.equal(WebSocket.sockets.length, before + 1);
    line().hangsUp(1006);
    assert.equal(client.retryAt - clock.ticks(), 500);
    await clock.pass(600);
    assert.equal(WebSocket.sockets.length, before + 2, "the old timer is gone");
  });

  test("the countdown is not moved by a clock that is set", async () => {
    online();
    line().hangsUp(1013);
    clock.set(3_600_000);
    assert.equal(client.secondsToRetry, 5);
    clock.set(-7_200_000);
    assert.equal(client.secondsToRetry, 5);
  });

  test("a server that never answers the login is given up", async () => {
    client.connect();
    line().accepts();
    await clock.pass(15_000);
    assert.equal(client.state, "reconnecting");
  });
});

describe("resuming", () => {
  test("the second login says how far each conversation was received", async () => {
    online({ groups: [room(40)], peers: [peer("9", 6)] });
    line().says({ type: "groupPm", gid: "lobby", uid: "2", seq: 41 });
    line().says({ type: "pm", uid: "9", to: "1", seq: 7 });
    line().says({ type: "pm", uid: "1", to: "8", seq: 3 });
    line().hangsUp(1006);
    await clock.pass(1_000);
    line().accepts();
    assert.deepEqual(line().sent[0].resume, { epoch: "e1", seqs: { "g:lobby": 41, "p:9": 7, "p:8": 3 } });
  });

  test("an own private message counts by its ack", async () => {
    online({ peers: [peer("9", 6)] });
    const sent = client.request("pm", { uid: "9", content: "hello" });
    line().says({ type: "ack", id: line().asked("pm")[0].id, ok: true, seq: 7 });
    await sent;
    line().hangsUp(1006);
    await clock.pass(1_000);
    line().accepts();
    assert.equal(line().sent[0].resume.seqs["p:9"], 7);
  });

  test("a replay that broke off in the middle goes on where it broke", async () => {
    online({ groups: [room(10)], peers: [peer("9", 2)] });
    line().hangsUp(1006);
    await clock.pass(1_000);
    line().welcomes({ groups: [room(20)], peers: [peer("9", 9)] });
    line().says({ type: "groupPm", gid: "lobby", uid: "2", seq: 11 });
    line().hangsUp(1006);
    await clock.pass(2_000);
    line().accepts();
    assert.deepEqual(line().sent[0].resume.seqs, { "g:lobby": 11, "p:9": 2 });
  });

  test("a talk that began meanwhile is not named until its replay came, so that none of it is missed", async () => {
    online();
    line().hangsUp(1006);
    await clock.pass(1_000);
    line().welcomes({ peers: [peer("9", 4)] });
    line().hangsUp(1006);
    await clock.pass(2_000);
    line().accepts();
    assert.deepEqual(line().sent[0].resume.seqs, {});
  });

  test("a history that is shorter than what we had counts from its end", async () => {
    online({ groups: [room(10)] });
    line().says({ type: "gap", gid: "lobby", after: 10, seq: 4 });
    line().hangsUp(1006);
    await clock.pass(1_000);
    line().accepts();
    assert.equal(line().sent[0].resume.seqs["g:lobby"], 4);
  });

  test("a gap is taken for what it says", async () => {
    online({ groups: [room(10)] });
    line().says({ type: "gap", gid: "lobby", after: 10, seq: 900 });
    line().hangsUp(1006);
    await clock.pass(1_000);
    line().accepts();
    assert.equal(line().sent[0].resume.seqs["g:lobby"], 900);
  });

  test("another epoch means another history", async () => {
    online({ groups: [room(40)] });
    line().hangsUp(1006);
    await clock.pass(1_000);
    line().welcomes({ epoch: "e2", groups: [room(3)] });
    line().hangsUp(1006);
    await clock.pass(2_000);
    line().accepts();
    assert.deepEqual(line().sent[0].resume, { epoch: "e2", seqs: { "g:lobby": 3 } });
  });

  test("a room joined later is resumed too, one that was left is not", async () => {
    online({ groups: [room(40)] });
    const joined = client.request("join", { gid: "tea" });
    line().says({ type: "ack", id: line().asked("join")[0].id, ok: true, room: { gid: "tea", seq: 5 } });
    await joined;
    line().says({ type: "leave", gid: "lobby", uid: "1", name: "ada" });
    line().hangsUp(1006);
    await clock.pass(1_000);
    line().accepts();
    assert.deepEqual(line().sent[0].resume.seqs, { "g:tea": 5 });
  });
});

describe("a request", () => {
  beforeEach(() => online());

  test("resolves with its own ack", async () => {
    const first = client.request("history", { gid: "lobby" });
    const second = client.request("history", { gid: "tea" });
    const [one, two] = line().asked("history");
    assert.notEqual(one.id, two.id);
    line().says({ type: "ack", id: two.id, ok: true, messages: ["tea"] });
    line().says({ type: "ack", id: one.id, ok: true, messages: ["lobby"] });
    assert.deepEqual((await first).messages, ["lobby"]);
    assert.deepEqual((await second).messages, ["tea"]);
  });

  test("fails with the server's code and words", async () => {
    const refused = client.request("join", { gid: "secret" });
    line().says({ type: "error", id: line().asked("join")[0].id, code: "rate_limited", message: "Slower, please.", retry_after: 2 });
    await assert.rejects(refused, { code: "rate_limited", message: "Slower, please.", retryAfter: 2 });
  });

  test("is not waited for longer than its timeout", async () => {
    const outcome = assert.rejects(client.request("rooms", {}, { timeout: 3_000 }), { code: "timeout" });
    await clock.pass(3_000);
    await outcome;
  });

  test("fails at once when the link is lost, and while there is none", async () => {
    const outcome = assert.rejects(client.request("rooms"), { code: "offline" });
    line().hangsUp(1006);
    await outcome;
    await assert.rejects(client.request("rooms"), { code: "offline" });
  });

  test("may choose its id, so that it can be repeated", async () => {
    const repeated = client.request("group", { gid: "lobby", content: "hi", id: "mine" });
    line().says({ type: "ack", id: "mine", ok: true, seq: 1 });
    assert.equal((await repeated).seq, 1);
    assert.deepEqual(line().asked("group"), [{ type: "group", gid: "lobby", content: "hi", id: "mine" }]);
  });

  test("can do without an answer", () => {
    assert.equal(client.send("typing", { gid: "lobby" }), true);
    assert.deepEqual(line().asked("typing"), [{ type: "typing", gid: "lobby" }]);
    line().hangsUp(1006);
    assert.equal(client.send("typing", { gid: "lobby" }), false);
  });
});

describe("a silent link", () => {
  beforeEach(() => online());

  test("is asked after twice the server's ping, and lives if it answers", async () => {
    await clock.pass(49_000);
    assert.equal(line().asked("ping").length, 0);
    await clock.pass(1_000);
    const [{ id }] = line().asked("ping");
    line().says({ type: "pong", id });
    await clock.pass(20_000);
    assert.equal(client.state, "open");
    assert.equal(WebSocket.sockets.length, 1);
  });

  test("is dropped if it does not", async () => {
    await clock.pass(60_000);
    assert.equal(client.state, "reconnecting");
    assert.ok(WebSocket.sockets[0].closedWith);
    WebSocket.sockets[0].hangsUp(1006);
    assert.equal(states.filter((state) => state === "reconnecting").length, 1, "its late end is no news");
  });

  test("is not asked while frames come in", async () => {
    for (let minute = 0; minute < 5; minute++) {
      await clock.pass(40_000);
      line().says({ type: "online", users: 2, connections: 2 });
    }
    assert.equal(line().asked("ping").length, 0);
  });
});

describe("a page that wakes", () => {
  test("asks whether the link still lives, once, and goes on if it does", async () => {
    online();
    for (const sign of ["visible", "resume", "online"]) waker.wake(sign);
    assert.equal(line().asked("ping").length, 1);
    line().answersPing();
    await clock.pass(5_000);
    assert.equal(client.state, "open");
    assert.equal(WebSocket.sockets.length, 1);
  });

  test("takes two silent seconds for death and opens another link in the same moment", async () => {
    online({ groups: [room(4)] });
    waker.wake();
    await clock.pass(2_000);
    assert.equal(WebSocket.sockets.length, 2);
    assert.equal(client.state, "connecting");
    line().accepts();
    assert.deepEqual(line().sent[0].resume.seqs, { "g:lobby": 4 });
  });

  test("does not ask a link that the browser knows to be closed", () => {
    online();
    line().readyState = 3;
    waker.wake();
    assert.equal(WebSocket.sockets.length, 2);
  });

  test("starts a handshake anew that stood still meanwhile, but lets a young one be", async () => {
    client.connect();
    waker.wake();
    assert.equal(WebSocket.sockets.length, 1);
    await clock.pass(6_000);
    waker.wake();
    assert.equal(WebSocket.sockets.length, 2);
    assert.equal(client.state, "connecting");
  });

  test("may ask again later", async () => {
    online();
    waker.wake();
    line().answersPing();
    await clock.pass(1);
    waker.wake();
    assert.equal(line().asked("ping").length, 2);
  });
});

describe("a browser whose login changed hands", () => {
  beforeEach(() => online({ uid: "1" }));

  test("gets nothing of the other person and sends them nothing of ours", async () => {
    const heard = [];
    for (const type of ["login", "groupPm"]) client.on(type, () => heard.push(type));
    line().hangsUp(1006);
    await clock.pass(1_000);
    line().welcomes({ uid: "2", groups: [room(9)] });
    line().says({ type: "groupPm", gid: "lobby", uid: "3", seq: 10, content: "for another's eyes" });
    assert.deepEqual(heard, []);
    assert.equal(client.uid, "1");
    assert.deepEqual([client.state, client.why], ["closed", "other"]);
    assert.ok(line().closedWith);
  });

  test("is left alone from then on", async () => {
    line().hangsUp(1006);
    await clock.pass(1_000);
    line().welcomes({ uid: "2" });
    waker.wake();
    await clock.pass(120_000);
    assert.equal(WebSocket.sockets.length, 2);
  });

  test("is found out by the first login too, if the page knows whose it is", () => {
    client = new ChatClient("ws://chat.example/chat/ws", { WebSocket, clock, uid: "1", watch: () => {} });
    client.connect();
    line().welcomes({ uid: "2" });
    assert.equal(client.why, "other");
  });
});
