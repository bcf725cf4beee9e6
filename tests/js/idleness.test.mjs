import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Idleness } from "../../static/chat/idleness.js";
import { FakeClock } from "./support.mjs";

const MINUTES = 60_000;
let clock, hidden, told, idleness;

beforeEach(() => {
  clock = new FakeClock();
  hidden = false;
  told = [];
  idleness = new Idleness({ clock, hidden: () => hidden, tell: (away) => told.push(away) });
});

test("who touches nothing for five minutes is away, until the next touch", async () => {
  await clock.pass(4 * MINUTES);
  idleness.touched();
  await clock.pass(5 * MINUTES - 1);
  assert.deepEqual(told, []);
  await clock.pass(1);
  assert.deepEqual(told, [true]);
  await clock.pass(60 * MINUTES);
  idleness.touched();
  assert.deepEqual(told, [true, false]);
  await clock.pass(5 * MINUTES);
  assert.deepEqual(told, [true, false, true]);
});

test("who hides the page is away at once, and back when it is shown", async () => {
  hidden = true;
  idleness.look();
  idleness.look();
  await clock.pass(10 * MINUTES);
  hidden = false;
  idleness.touched();
  assert.deepEqual(told, [true, false]);
});

test("a page that opens in the background is away from the start", () => {
  hidden = true;
  idleness = new Idleness({ clock, hidden: () => hidden, tell: (away) => told.push(away) });
  assert.deepEqual(told, [true]);
});

test("a new connection is told of somebody who is away, and of nobody else", () => {
  idleness.connected();
  hidden = true;
  idleness.look();
  idleness.connected();
  assert.deepEqual(told, [true, true]);
});
