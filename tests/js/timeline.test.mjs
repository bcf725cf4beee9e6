import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Timeline } from "../../static/chat/timeline.js";
import { messages } from "./support.mjs";

const seqs = (timeline) => timeline.messages.map(({ seq }) => seq);
const kinds = (timeline) => timeline.rows().map(({ kind }) => kind);
const shown = (timeline) => timeline.rows().filter(({ kind }) => kind === "message").map(({ message }) => message.content);
const [first] = messages(1, 1);
const mine = (id, differently) => ({ id, content: id, ts: first.ts, uid: "1", name: "ada", mine: true, state: "pending", ...differently });

function filled(from, to) {
  const timeline = new Timeline();
  timeline.add(messages(from, to));
  return timeline;
}

describe("messages", () => {
  test("stand in the order of their numbers, however they came", () => {
    const timeline = new Timeline();
    timeline.add(messages(5, 6));
    timeline.add(messages(1, 3).reverse());
    timeline.add(messages(4, 4));
    assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5, 6]);
  });

  test("are there once, however often they came", () => {
    const timeline = filled(1, 3);
    assert.deepEqual(timeline.add(messages(2, 4)).map(({ seq }) => seq), [4]);
    assert.deepEqual(timeline.add([...messages(5, 5), ...messages(5, 5)]).length, 1);
    assert.deepEqual(seqs(timeline), [1, 2, 3, 4, 5]);
  });

  test("keep their key when an older page is put above them", () => {
    const timeline = filled(3, 4);
    const before = timeline.rows().filter(({ kind }) => kind === "message").map(({ key }) => key);
    timeline.add(messages(1, 2));
    const after = timeline.rows().filter(({ kind }) => kind === "message").map(({ key }) => key);
    assert.deepEqual(after.slice(2), before);
  });

  test("of long ago are let go and become a hole again", () => {
    const timeline = filled(1, 10);
    timeline.trim(3);
    assert.deepEqual(seqs(timeline), [8, 9, 10]);
    assert.deepEqual(timeline.holes(), [{ after: 0, before: 8 }]);
    assert.equal(timeline.add(messages(7, 7)).length, 1);
  });
});

describe("an own message", () => {
  test("stands at the end at once, and goes to its place when it has a number", () => {
    const timeline = filled(1, 2);
    timeline.own(mine("a"));
    timeline.add(messages(3, 3));
    assert.deepEqual(shown(timeline), ["message 1", "message 2", "message 3", "a"]);
    timeline.add(messages(5, 5));
    timeline.sent("a", { seq: 4, ts: first.ts });
    assert.deepEqual(shown(timeline), ["message 1", "message 2", "message 3", "a", "message 5"]);
    assert.equal(timeline.pending.length, 0);
  });

  test("keeps its row while it is confirmed", () => {
    const timeline = new Timeline();
    timeline.own(mine("a"));
    const [{ key }] = timeline.rows().slice(-1);
    timeline.sent("a", { seq: 1, ts: first.ts });
    assert.equal(timeline.rows().at(-1).key, key);
    assert.equal(timeline.rows().at(-1).message.state, undefined);
  });

  test("stands there in the words that were stored, where the site altered them", () => {
    const timeline = new Timeline();
    timeline.own(mine("a"));
    timeline.sent("a", { seq: 1, ts: first.ts, content: "b" });
    assert.deepEqual(shown(timeline), ["b"]);
  });

  test("is there once when its frame comes before its ack", () => {
    const timeline = new Timeline();
    timeline.own(mine("a"));
    timeline.add([mine("a", { seq: 1, state: undefined })]);
    timeline.sent("a", { seq: 1, ts: first.ts });
    assert.deepEqual(shown(timeline), ["a"]);
  });

  test("that the history already has is not shown as unsent again", () => {
    const timeline = new Timeline();
    timeline.add([mine("a", { seq: 1, state: undefined })]);
    timeline.own(mine("a"));
    assert.deepEqual(shown(timeline), ["a"]);
  });

  test("is no longer on its way when its number was known already", () => {
    const timeline = filled(1, 3);
    timeline.own(mine("a"));
    timeline.sent("a", { seq: 3, ts: first.ts });
    assert.deepEqual(timeline.pending, []);
    assert.equal(timeline.messages.length, 3);
  });

  test("can fail, be sent again, and be given up, in the same place", () => {
    const timeline = new Timeline();
    timeline.own(mine("a"));
    timeline.own(mine("b"));
    timeline.own(mine("a", { state: "failed" }));
    assert.deepEqual(timeline.pending.map(({ id, state }) => [id, state]), [["a", "failed"], ["b", "pending"]]);
    timeline.own(mine("a"));
    assert.equal(timeline.pending[0].state, "pending");
    timeline.forget("a");
    assert.deepEqual(shown(timeline), ["b"]);
  });

  test("somebody else's message with the same id is another message", () => {
    const timeline = new Timeline();
    timeline.own(mine("a"));
    timeline.add(messages(1, 1, { id: undefined }));
    assert.deepEqual(shown(timeline), ["message 1", "a"]);
  });
});

describe("holes", () => {
  test("everything before the first look is one", () => {
    assert.deepEqual(new Timeline(120).holes(), [{ after: 0, before: 121 }]);
    assert.deepEqual(new Timeline(0).holes(), []);
  });

  test("are found between messages and behind the last", () => {
    const timeline = filled(1, 3);
    timeline.add(messages(7, 8));
    timeline.expect(10);
    assert.deepEqual(timeline.holes(), [{ after: 3, before: 7 }, { after: 8, before: 11 }]);
    assert.deepEqual(kinds(timeline).filter((kind) => kind === "hole").length, 2);
  });

  test("shrink from below, page by page, and close", () => {
    const timeline = new Timeline(120);
    timeline.fill(121, messages(71, 120), true);
    assert.deepEqual(timeline.holes(), [{ after: 0, before: 71 }]);
    timeline.fill(71, messages(21, 70), true);
    timeline.fill(21, messages(1, 20), false);
    assert.deepEqual(timeline.holes(), []);
    assert.equal(timeline.messages.length, 120);
  });

  test("are closed when the server has nothing older, as for a room that forgets", () => {
    const timeline = new Timeline(120);
    timeline.fill(121, messages(101, 120), false);
    assert.deepEqual(timeline.holes(), []);
  });

  test("are closed when the server has nothing in them, rather than asked for ever", () => {
    const timeline = filled(1, 3);
    timeline.add(messages(7, 8));
    timeline.fill(7, messages(1, 3), false);
    assert.deepEqual(timeline.holes(), []);
  });

  test("that were closed by what came meanwhile leave no mark", () => {
    const timeline = filled(1, 3);
    timeline.add(messages(7, 10));
    timeline.add(messages(4, 6));
    timeline.fill(7, messages(1, 6), false);
    timeline.trim(4);
    assert.deepEqual(timeline.holes(), [{ after: 0, before: 7 }]);
  });

  test("a talk of unknown length is asked from its end", () => {
    const timeline = new Timeline(null);
    assert.deepEqual(timeline.holes(), [{ after: 0, before: Infinity }]);
    timeline.fill(Infinity, [], false);
    assert.deepEqual(timeline.holes(), []);
    assert.equal(timeline.empty, true);
  });

  test("a talk of unknown length with messages is known after the first page", () => {
    const timeline = new Timeline(null);
    timeline.fill(Infinity, messages(51, 100), true);
    assert.deepEqual(timeline.holes(), [{ after: 0, before: 51 }]);
  });
});

describe("what stands on the page", () => {
  test("a day begins with its name", () => {
    const timeline = new Timeline();
    const tomorrow = first.ts + 24 * 3_600_000;
    timeline.add([first, ...messages(2, 2, { ts: tomorrow }), ...messages(3, 3, { ts: tomorrow + 1 })]);
    assert.deepEqual(kinds(timeline), ["day", "message", "day", "message", "message"]);
  });

  test("one author's messages within five minutes are a group", () => {
    const timeline = new Timeline();
    const minute = 60_000;
    timeline.add([
      { ...first, seq: 1, ts: first.ts },
      { ...first, seq: 2, ts: first.ts + 4 * minute },
      { ...first, seq: 3, ts: first.ts + 5 * minute },
      { ...first, seq: 4, ts: first.ts + 6 * minute, uid: "3" },
      { ...first, seq: 5, ts: first.ts + 7 * minute },
    ]);
    const heads = timeline.rows().filter(({ kind }) => kind === "message").map(({ head }) => head);
    assert.deepEqual(heads, [true, false, true, true, true]);
  });

  test("the line of new messages stands before the first unread one and ends a group", () => {
    const timeline = filled(1, 4);
    timeline.divide(2);
    assert.deepEqual(kinds(timeline), ["day", "message", "message", "divider", "message", "message"]);
    assert.equal(timeline.rows()[4].head, true);
    timeline.add(messages(5, 5));
    assert.equal(kinds(timeline).filter((kind) => kind === "divider").length, 1);
    timeline.divide(null);
    assert.equal(kinds(timeline).includes("divider"), false);
  });

  test("the line does not stand before an own message", () => {
    const timeline = filled(1, 1);
    timeline.add(messages(2, 2, { uid: "1", mine: true }));
    timeline.divide(1);
    assert.equal(kinds(timeline).includes("divider"), false);
  });

  test("the line waits until the first unread message is loaded", () => {
    const timeline = new Timeline(200);
    timeline.divide(10);
    timeline.add(messages(151, 200));
    assert.equal(kinds(timeline).includes("divider"), false);
    timeline.add(messages(11, 60));
    const rows = timeline.rows();
    assert.equal(rows[rows.findIndex(({ kind }) => kind === "divider") + 1].message.seq, 11);
  });

  test("comings and goings at one place are one line, and the last word counts", () => {
    const timeline = filled(1, 1);
    timeline.notice({ name: "bob", joined: true, ts: 1 });
    timeline.notice({ name: "cleo", joined: true, ts: 2 });
    timeline.notice({ name: "bob", joined: false, ts: 3 });
    timeline.add(messages(2, 2));
    timeline.notice({ name: "dan", joined: true, ts: 4 });
    assert.deepEqual(kinds(timeline), ["day", "message", "notice", "message", "notice"]);
    assert.deepEqual([...timeline.rows()[2].people], [["bob", false], ["cleo", true]]);
  });

  test("every change can be noticed", () => {
    const timeline = new Timeline();
    const changes = [
      () => timeline.add(messages(1, 3)), () => timeline.own(mine("a")), () => timeline.forget("a"),
      () => timeline.expect(9), () => timeline.divide(1), () => timeline.notice({ name: "bob", joined: true, ts: 1 }),
    ];
    for (const change of changes) {
      const before = timeline.version;
      change();
      assert.notEqual(timeline.version, before, String(change));
    }
  });
});
