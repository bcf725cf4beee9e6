import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Attention } from "../../static/chat/attention.js";
import { FakeClock } from "./support.mjs";

let clock, looking, marked, attention;
const lobby = { read: 3 };
const tea = { read: 0 };

beforeEach(() => {
  clock = new FakeClock();
  looking = true;
  marked = [];
  attention = new Attention({ clock, attentive: () => looking, read: (conversation, seq) => marked.push([conversation, seq]) });
});

test("what stood before somebody's eyes for half a second is read", async () => {
  attention.sees(lobby, 5);
  await clock.pass(499);
  assert.deepEqual(marked, []);
  await clock.pass(1);
  assert.deepEqual(marked, [[lobby, 5]]);
});

test("what arrives meanwhile is read with it", async () => {
  attention.sees(lobby, 5);
  await clock.pass(300);
  attention.sees(lobby, 6);
  await clock.pass(200);
  assert.deepEqual(marked, [[lobby, 6]]);
});

test("what was read already is not marked again", async () => {
  attention.sees(lobby, 3);
  await clock.pass(1_000);
  assert.deepEqual(marked, []);
});

test("nobody reads in a window that is hidden or without focus", async () => {
  looking = false;
  attention.sees(lobby, 5);
  await clock.pass(1_000);
  looking = true;
  attention.sees(lobby, 5);
  await clock.pass(300);
  looking = false;
  await clock.pass(1_000);
  assert.deepEqual(marked, []);
});

test("who only passes through a room has not read it", async () => {
  attention.sees(lobby, 5);
  await clock.pass(300);
  attention.sees(tea, 1);
  await clock.pass(300);
  assert.deepEqual(marked, []);
  await clock.pass(200);
  assert.deepEqual(marked, [[tea, 1]]);
});
