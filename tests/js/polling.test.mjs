import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { PollTransport } from "../../static/chat/polling.js";
import { ModelServer, randomOf } from "./model.mjs";
import { FakeClock, fakeFetch, greeting, settled } from "./support.mjs";

let clock, fetch, link, heard, closed, hidden;

beforeEach(() => {
  clock = new FakeClock();
  fetch = fakeFetch();
  hidden = false;
  link = new PollTransport("http://chat.example/chat/poll", { fetch, clock, random: () => 0.5, hidden: () => hidden });
  heard = [];
  closed = [];
  link.onopen = () => link.send({ type: "login" });
  link.onframe = (frame) => heard.push(frame);
  link.onclose = (...how) => closed.push(how);
});

const poll = () => fetch.latest;
const open = () => fetch.polls.filter((one) => one.open);
const types = () => heard.map(({ type }) => type);
const said = (seq) => ({ type: "groupPm", gid: "lobby", uid: "2", name: "bob", seq, content: `said ${seq}` });
const group = (id) => ({ type: "group", gid: "lobby", content: id, id });

async function send(...frames) {
  frames.forEach((frame) => link.send(frame));
  await settled();
}

async function begin({ pause } = {}) {
  link.open();
  await settled();
  await poll().welcomes({ pause });
  heard.length = 0;
}

describe("a session", () => {
  test("begins with a login and goes on with polls that are held", async () => {
    link.open();
    assert.equal(link.readyState, 0);
    await settled();
    assert.deepEqual([poll().cursor, poll().frames, poll().wait], [null, [{ type: "login" }], 0]);
    await poll().answers({ frames: greeting(), cursor: "C1" });
    assert.deepEqual(types(), ["hello", "login"]);
    assert.deepEqual([link.readyState, link.greeted, link.name], [1, true, "long-polling"]);
    assert.deepEqual([poll().cursor, poll().frames, poll().wait], ["C1", [], 25]);
    await poll().answers({ frames: [said(1)], cursor: "C2" });
    assert.deepEqual(types(), ["hello", "login", "groupPm"]);
    assert.equal(poll().cursor, "C2");
    assert.equal(open().length, 1);
  });

  test("that does not come about is over at once: when to try again is for others to say", async () => {
    for (const [fail, how] of [
      [() => poll().breaks(), [1006, undefined]],
      [() => poll().says(404, "none here"), [1006, undefined]],
      [() => poll().says(503, "full", { "Retry-After": "7" }), [1013, 7_000]],
      [() => poll().says(401, { frames: [], close: 4401 }), [4401, undefined]],
      [() => poll().says(422, { frames: [] }), [1006, undefined]],
    ]) {
      closed.length = 0;
      const other = new PollTransport("http://chat.example/chat/poll", { fetch, clock, random: () => 0.5, hidden: () => false });
      other.onopen = () => other.send({ type: "login" });
      other.onclose = (...end) => closed.push(end);
      other.open();
      await settled();
      await fail();
      assert.deepEqual(closed, [how]);
      assert.equal(other.readyState, 3);
    }
  });

  test("ends as a WebSocket does, with what was said before", async () => {
    await begin();
    await poll().says(401, { frames: [{ type: "error", code: "not_logged_in", message: "gone" }], close: 4440 });
    assert.deepEqual(types(), ["error"]);
    assert.deepEqual(closed, [[4440, undefined]]);
    await clock.pass(60_000);
    assert.equal(open().length, 0);
  });

  test("that is dropped asks nothing, hears nothing and leaves nothing running", async () => {
    await begin();
    await send(group("a"));
    link.drop();
    assert.equal(open().length, 0);
    await clock.pass(60_000);
    assert.deepEqual([heard, closed, clock.waiting], [[], [], 0]);
  });

  test("that is closed sends what was said before it says so", async () => {
    await begin();
    link.send(group("a"));
    link.close();
    await settled();
    assert.deepEqual(closed, []);
    assert.deepEqual(poll().frames, [group("a")]);
    await poll().answers({ frames: [{ type: "ack", id: "a", ok: true }] });
    assert.deepEqual([types(), closed], [["ack"], [[1000, undefined]]]);
    assert.equal(open().length, 0);
  });
});

describe("what is said", () => {
  beforeEach(() => begin());

  test("goes beside the poll that is held, with the same cursor", async () => {
    const held = poll();
    await send(group("a"));
    assert.equal(held.open, true);
    assert.deepEqual([poll().cursor, poll().frames, poll().wait], [held.cursor, [group("a")], 0]);
  });

  test("in one turn goes together; what is said meanwhile goes in the next, so that the order holds", async () => {
    await send(group("a"), group("b"));
    const first = poll();
    assert.deepEqual(first.frames, [group("a"), group("b")]);
    await send(group("c"));
    await send(group("d"));
    assert.equal(poll(), first);
    await first.answers({ frames: [said(1)], cursor: "C5" });
    assert.deepEqual([poll().cursor, poll().frames], ["C5", [group("c"), group("d")]]);
    await poll().answers();
    assert.deepEqual([poll().frames, poll().wait], [[], 25]);
  });

  test("makes the held one's answer void: it began from the same cursor", async () => {
    const held = poll();
    await send(group("a"));
    const mine = poll();
    await held.answers({ frames: [said(1)], cursor: "of the held one" });
    assert.deepEqual(heard, []);
    assert.equal(fetch.polls.at(-1), mine, "nothing else is asked meanwhile");
    await mine.answers({ frames: [said(1), { type: "ack", id: "a", ok: true, seq: 2 }], cursor: "C9" });
    assert.deepEqual(types(), ["groupPm", "ack"]);
    assert.equal(poll().cursor, "C9");
  });

  test("ends a held poll that another process still holds", async () => {
    const held = poll();
    await send(group("a"));
    await poll().answers({ cursor: "C9" });
    assert.equal(held.open, false);
    assert.equal(open().length, 1);
  });

  test("is never more than a request may have", async () => {
    await send(...Array.from({ length: 120 }, (_, at) => group(`${at}`)));
    const sizes = [];
    while (poll().frames.length) {
      sizes.push(poll().frames.length);
      await poll().answers();
    }
    assert.deepEqual(sizes, [50, 50, 20]);
    const large = (id) => ({ ...group(id), content: "x".repeat(60_000) });
    await send(...["a", "b", "c", "d", "e", "f"].map(large));
    assert.deepEqual(poll().frames.map(({ id }) => id), ["a", "b", "c", "d"]);
    await poll().answers();
    assert.deepEqual(poll().frames.map(({ id }) => id), ["e", "f"]);
  });

  test("and refused as a whole is told to whoever asked, and not said again", async () => {
    await send(group("a"), { type: "typing", gid: "lobby" });
    await poll().says(413, { frames: [{ type: "error", code: "too_large", message: "too large" }] });
    assert.deepEqual(heard, [{ type: "error", code: "too_large", message: "too large", id: "a" }]);
    await clock.pass(1_000);
    assert.deepEqual(poll().frames, []);
  });
});

describe("a failure", () => {
  beforeEach(() => begin());

  test("is followed by the same request, cursor and all", async () => {
    await send(group("a"));
    const first = poll();
    await first.breaks();
    await send(group("b"));
    assert.equal(open().length, 0, "what is said meanwhile waits");
    await clock.pass(500);
    assert.deepEqual([poll().cursor, poll().frames], [first.cursor, [group("a")]]);
    await poll().answers({ frames: [{ type: "ack", id: "a", ok: true }] });
    assert.deepEqual(poll().frames, [group("b")]);
  });

  test("leaves out what may have happened and must not happen twice, and says so", async () => {
    const create = { type: "create", name: "Tea", id: "c" };
    await send(create, group("a"));
    const first = poll();
    await first.says(503, "busy", { "Retry-After": "1" });
    assert.deepEqual(heard, [], "nothing was carried out");
    await clock.pass(1_000);
    assert.deepEqual(poll().frames, [create, group("a")]);
    await poll().breaks();
    assert.deepEqual(heard.map(({ code, id }) => [code, id]), [["offline", "c"]]);
    await clock.pass(1_000);
    assert.deepEqual([poll().cursor, poll().frames], [first.cursor, [group("a")]]);
  });

  test("is one of three in a row that the session survives two of, with growing delays", async () => {
    const waits = [];
    for (const fail of [() => poll().breaks(), () => poll().says(502, "Bad gateway")]) {
      const began = clock.ticks();
      const before = fetch.polls.length;
      await fail();
      while (fetch.polls.length === before) await clock.pass(100);
      waits.push(clock.ticks() - began);
    }
    assert.deepEqual(waits, [500, 1_000]);
    await poll().breaks();
    assert.deepEqual(closed, [[1006, undefined]]);
  });

  test("counts from the start after an answer", async () => {
    for (let round = 0; round < 5; round++) {
      await poll().breaks();
      await clock.pass(500);
      await poll().answers();
    }
    assert.deepEqual(closed, []);
  });

  test("waits for as long as the server wants, if that is bearable; otherwise we are offline", async () => {
    await poll().says(503, "busy", { "Retry-After": "2" });
    await clock.pass(1_999);
    assert.equal(open().length, 0);
    await clock.pass(1);
    assert.equal(open().length, 1);
    await poll().says(503, "busy", { "Retry-After": "20" });
    assert.deepEqual(closed, [[1013, 20_000]]);
  });

  test("of the held poll does not count while something is being said", async () => {
    const held = poll();
    await send(group("a"));
    await held.breaks();
    assert.equal(open().length, 1);
    await poll().answers({ frames: [{ type: "ack", id: "a", ok: true }] });
    assert.deepEqual(types(), ["ack"]);
  });

  test("of the held poll is no reason to wait with what is said: a full server takes it all the same", async () => {
    await poll().says(503, { frames: [{ type: "error", code: "unavailable", message: "full" }] }, { "Retry-After": "5" });
    await send(group("a"));
    assert.deepEqual([open().length, poll().frames], [1, [group("a")]]);
    await poll().answers({ frames: [{ type: "ack", id: "a", ok: true }] });
    assert.deepEqual([types(), closed], [["ack"], []]);
  });

  test("is what no answer in time is: a little more than the poll is held", async () => {
    await clock.pass(34_999);
    assert.equal(open().length, 1);
    await clock.pass(1);
    assert.equal(open().length, 0);
    await clock.pass(500);
    assert.equal(open().length, 1);
  });

  test("is tried again at once when somebody looks or a network is there", async () => {
    await poll().breaks();
    assert.equal(open().length, 0);
    link.wake();
    await clock.pass(0);
    assert.equal(open().length, 1);
    await clock.pass(5_000);
    assert.equal(open().length, 1, "and not twice");
  });
});

describe("a server that cannot hold", () => {
  beforeEach(() => begin({ pause: 1_000 }));

  const next = async () => {
    const began = clock.ticks();
    const before = fetch.polls.length;
    while (fetch.polls.length === before) await clock.pass(50);
    return clock.ticks() - began;
  };

  test("is asked after a pause, which grows to five seconds while nothing happens", async () => {
    assert.equal(link.name, "polling");
    const waits = [];
    for (let round = 0; round < 6; round++) {
      waits.push(await next());
      await poll().answers({ pause: 1_000 });
    }
    assert.deepEqual(waits, [1_000, 1_500, 2_250, 3_400, 5_000, 5_000]);
    await next();
    await poll().answers({ pause: 1_000, frames: [said(1)] });
    assert.equal(await next(), 1_000);
  });

  test("is told at once what we say, and asked soon after", async () => {
    await clock.pass(400);
    await send(group("a"));
    assert.deepEqual(poll().frames, [group("a")]);
    await poll().answers({ pause: 1_000, frames: [{ type: "ack", id: "a", ok: true }] });
    assert.equal(await next(), 1_000);
  });

  test("is asked at once where it has more to say", async () => {
    await next();
    await poll().answers({ pause: 0, frames: [said(1)] });
    assert.equal(open().length, 1);
    assert.equal(link.name, "polling");
  });

  test("is found out even if it says otherwise", async () => {
    await next();
    await poll().answers();
    assert.equal(link.name, "long-polling");
    assert.equal(await next(), 1_500);
    assert.deepEqual(closed, []);
  });
});

describe("a hidden page", () => {
  test("holds no connection: it asks every ten seconds", async () => {
    await begin();
    const held = poll();
    hidden = true;
    link.rest();
    assert.equal(held.open, false);
    for (let round = 0; round < 3; round++) {
      await clock.pass(9_999);
      assert.equal(open().length, 0);
      await clock.pass(1);
      assert.deepEqual([open().length, poll().wait, poll().cursor], [1, 0, round ? `answer ${round - 1}` : held.cursor]);
      await poll().answers({ cursor: `answer ${round}`, frames: [said(round + 1)] });
    }
    assert.equal(heard.length, 3);
  });

  test("says at once what it has to say", async () => {
    hidden = true;
    await begin();
    assert.equal(open().length, 0);
    await send({ type: "away", away: true });
    assert.equal(poll().frames.length, 1);
  });

  test("asks and holds again in the moment in which it is seen", async () => {
    hidden = true;
    await begin();
    await clock.pass(3_000);
    hidden = false;
    link.wake();
    await clock.pass(0);
    assert.deepEqual([open().length, poll().wait], [1, 25]);
  });

  test("asks first and holds then, where it has a question", async () => {
    hidden = true;
    await begin();
    hidden = false;
    link.wake();
    await send({ type: "ping", id: "p" });
    await clock.pass(0);
    assert.deepEqual([open().length, poll().wait], [1, 0]);
    await poll().answers({ frames: [{ type: "pong", id: "p" }] });
    assert.deepEqual([open().length, poll().wait], [1, 25]);
  });

  test("that was seen again before it was asked to rest goes on holding", async () => {
    await begin();
    link.rest();
    assert.equal(open().length, 1);
  });
});

describe("a worker that ends", () => {
  test("is left alone for as long as it says, then another one goes on from the same place", async () => {
    await begin();
    await poll().answers({ frames: [said(1), { type: "drain", retry_after: 800 }], cursor: "C7" });
    await send(group("a"));
    assert.equal(open().length, 0);
    await clock.pass(799);
    assert.equal(open().length, 0);
    await clock.pass(1);
    assert.deepEqual([poll().cursor, poll().frames], ["C7", [group("a")]]);
    assert.deepEqual(closed, []);
  });
});

describe("a client that goes on by another transport", () => {
  beforeEach(() => begin());

  test("asks once more what came by now, and ends", async () => {
    const held = poll();
    link.finish();
    await settled();
    assert.equal(held.open, false);
    assert.deepEqual([poll().frames, poll().wait, poll().cursor], [[], 0, held.cursor]);
    await poll().answers({ frames: [{ type: "event", name: "push", data: "hi" }] });
    assert.deepEqual([types(), closed, open().length], [["event"], [[1000, undefined]], 0]);
  });

  test("waits for the answer to what it said before", async () => {
    await send(group("a"));
    await send(group("b"));
    assert.equal(link.busy, true);
    link.finish();
    await poll().answers({ frames: [{ type: "ack", id: "a", ok: true }] });
    assert.deepEqual(poll().frames, [group("b")]);
    await poll().answers({ frames: [{ type: "ack", id: "b", ok: true }] });
    assert.deepEqual([types(), closed, link.busy], [["ack", "ack"], [[1000, undefined]], false]);
  });

  test("asks once more even if an answer was just on its way", async () => {
    await send(group("a"));
    link.finish();
    await poll().answers({ frames: [{ type: "ack", id: "a", ok: true }] });
    assert.deepEqual([poll().frames, closed], [[], []]);
    await poll().answers();
    assert.deepEqual(closed, [[1000, undefined]]);
  });
});

describe("two processes and a bad network", () => {
  for (let seed = 1; seed <= 40; seed++) {
    test(`nothing is lost, doubled or out of order, and who entered an event room stays in it (seed ${seed})`, async () => {
      const [time, random] = [new FakeClock(), randomOf(seed)];
      const server = Object.assign(new ModelServer(time, random), { processes: 2 });
      const ada = new PollTransport("http://chat.example/chat/poll", {
        fetch: server.fetch, clock: time, random, hidden: () => random() < 0.1,
      });
      const got = { groupPm: [], event: [], ack: [] };
      const [entered, due, ends] = [[], [], []];
      ada.onopen = () => ada.send({ type: "login" });
      ada.onframe = (frame) => {
        got[frame.type]?.push({ groupPm: frame.seq, event: frame.data, ack: frame.id }[frame.type]);
        if (frame.type === "ack" && frame.id.startsWith("room")) entered.push(frame.id);
        if (frame.type === "groupPm") assert.equal(frame.seq, got.groupPm.length);
      };
      ada.onclose = (...how) => ends.push(how);
      ada.open();
      await time.pass(1_000);
      got.ack.length = 0;
      const asked = [];
      for (let number = 0; number < 60; number++) {
        server.failing = random() < 0.2 ? 0.2 : 0;
        if (random() < 0.5) server.say(`of bob ${number}`);
        if (random() < 0.3) due.push([server.emit(number), number][1]);
        if (random() < 0.3) asked.push(`room ${number}`) && ada.send({ type: "event", name: `room ${number}`, id: `room ${number}` });
        if (random() < 0.3) asked.push(`id ${number}`) && ada.send({ type: "group", gid: "lobby", content: number, id: `id ${number}` });
        if (entered.length && random() < 0.3) due.push([server.emit(1_000 + number, entered.at(-1)), 1_000 + number][1]);
        await time.pass(random() < 0.1 ? random() * 30_000 : random() * 200);
        if (ends.length) break;
      }
      server.failing = 0;
      await time.pass(60_000);
      if (ends.length) return assert.equal(ends[0][0], 1006, "three failures in a row, and a new login");
      assert.deepEqual(got.groupPm, server.messages.map(({ seq }) => seq));
      assert.deepEqual(got.event, due);
      assert.deepEqual(got.ack, asked);
    });
  }
});
