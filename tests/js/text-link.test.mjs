import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { TextLink } from "../../static/chat/text-link.js";
import { FakeClock, fakeSockets, settled } from "./support.mjs";

let clock, WebSocket, link, lines, told, reason;

function make(options) {
  link = new TextLink("https://chat.example/chat/text/tea", { WebSocket, clock, random: () => 0.5, ...options });
  lines = [];
  told = [];
  link.on("line", (text) => lines.push(text));
  link.on("state", () => told.push(link.readyState));
  link.on("back", () => told.push("back"));
}

beforeEach(() => {
  clock = new FakeClock();
  WebSocket = class extends fakeSockets() {
    send(text) { this.sent.push(text); }
    hears(text) { this.onmessage?.({ data: text }); }
  };
  reason = null;
  make({ ask: async () => reason });
});

const socket = () => WebSocket.latest;

function open() {
  link.connect();
  socket().accepts();
}

describe("a plain-text link", () => {
  test("goes to the address of the page and tells its state as the browser does", () => {
    assert.equal(link.readyState, 3);
    open();
    assert.equal(socket().url, "wss://chat.example/chat/text/tea");
    link.close();
    socket().hangsUp(1000);
    assert.deepEqual(told, [0, 1, 2, 3]);
  });

  test("sends text as it is, and only while it is open", () => {
    link.connect();
    assert.equal(link.send("early"), false);
    socket().accepts();
    assert.equal(link.send('{"not": "json"'), true);
    assert.deepEqual(socket().sent, ['{"not": "json"']);
    link.close();
    assert.equal(link.send("late"), false);
  });

  test("tells each line without the newline at its end", () => {
    open();
    for (const text of ["from1001:hello\n", "from1001:\n", "Welcome!\nBe kind.\n"]) socket().hears(text);
    assert.deepEqual(lines, ["from1001:hello", "from1001:", "Welcome!\nBe kind."]);
  });
});

describe("when it is lost", () => {
  test("it comes back by itself, later each time, and says so once it is there", async () => {
    open();
    socket().hangsUp(1006);
    assert.deepEqual([link.secondsToRetry, link.why], [1, null]);
    await clock.pass(500);
    assert.equal(WebSocket.sockets.length, 2);
    socket().hangsUp(1006);
    await clock.pass(999);
    assert.equal(WebSocket.sockets.length, 2);
    await clock.pass(1);
    socket().accepts();
    assert.equal(told.at(-1), "back");
    assert.equal(told.filter((word) => word === "back").length, 1);
  });

  test("a link that held starts the back-off anew, one that did not goes on with it", async () => {
    for (const wait of [500, 1000, 2000]) {
      if (wait === 500) open();
      else socket().accepts();
      socket().hangsUp(1012);
      await clock.pass(wait);
    }
    socket().accepts();
    await clock.pass(5_000);
    socket().hangsUp(1006);
    assert.equal(link.secondsToRetry, 1);
  });

  for (const [code, why] of [[4401, "session"], [4440, "session"], [4403, "forbidden"], [4450, "refused"]]) {
    test(`${code} is for good`, async () => {
      open();
      socket().hangsUp(code);
      await clock.pass(120_000);
      assert.deepEqual([link.why, link.readyState, WebSocket.sockets.length], [why, 3, 1]);
      link.wake();
      assert.equal(WebSocket.sockets.length, 1);
    });
  }

  test("a server under load gets its breather", () => {
    open();
    socket().hangsUp(4429);
    assert.equal(link.secondsToRetry, 5);
  });

  test("who left stays away until they come again", async () => {
    open();
    link.close();
    socket().hangsUp(1000);
    await clock.pass(120_000);
    assert.deepEqual([link.why, WebSocket.sockets.length], ["left", 1]);
    link.connect();
    assert.deepEqual([link.why, WebSocket.sockets.length], [null, 2]);
  });

  test("who leaves while it waits is not fetched back", async () => {
    open();
    socket().hangsUp(1006);
    link.close();
    await clock.pass(120_000);
    assert.deepEqual([link.retryAt, WebSocket.sockets.length], [null, 1]);
  });

  test("it does not wait while somebody looks", () => {
    open();
    socket().hangsUp(1006);
    link.wake();
    assert.equal(WebSocket.sockets.length, 2);
    link.wake();
    assert.equal(WebSocket.sockets.length, 2);
  });
});

describe("a handshake", () => {
  test("that is refused asks why, and ends it where there is no hope", async () => {
    reason = "session";
    link.connect();
    socket().hangsUp(1006);
    await settled();
    await clock.pass(120_000);
    assert.deepEqual([link.why, link.retryAt, WebSocket.sockets.length], ["session", null, 1]);
  });

  test("that is refused for now is tried again", async () => {
    link.connect();
    socket().hangsUp(1006);
    await clock.pass(500);
    assert.equal(WebSocket.sockets.length, 2);
  });

  test("whose reason comes when it is open again is not ended by that", async () => {
    let answer;
    make({ ask: () => new Promise((resolve) => { answer = resolve; }) });
    link.connect();
    socket().hangsUp(1006);
    await clock.pass(500);
    socket().accepts();
    answer("session");
    await settled();
    assert.deepEqual([link.why, link.readyState], [null, 1]);
  });

  test("that gets no answer is given up", async () => {
    link.connect();
    await clock.pass(15_000);
    assert.equal(socket().closedWith, "without code");
    await clock.pass(500);
    assert.equal(WebSocket.sockets.length, 2);
  });
});

describe("an echo", () => {
  test("that does not come shows that the link is dead", async () => {
    make({ echo: true });
    open();
    link.send("hello?");
    await clock.pass(9_000);
    assert.equal(link.readyState, 1);
    await clock.pass(1_000);
    assert.equal(link.readyState, 3);
    assert.equal(link.secondsToRetry, 1);
  });

  test("or any other word shows that it lives", async () => {
    make({ echo: true });
    open();
    link.send("hello?");
    await clock.pass(9_000);
    socket().hears("from1002:hi\n");
    await clock.pass(60_000);
    assert.deepEqual([link.readyState, WebSocket.sockets.length], [1, 1]);
  });

  test("is not waited for where the room has none", async () => {
    open();
    link.send("hello?");
    await clock.pass(60_000);
    assert.equal(link.readyState, 1);
  });
});
