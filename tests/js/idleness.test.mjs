import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { Idleness, watchTouches } from "../../static/chat/idleness.js";
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

describe("the touches of a page", () => {
  let browser, page, life;

  beforeEach(() => {
    browser = new EventTarget();
    page = Object.assign(new EventTarget(), { hidden: false });
    globalThis.addEventListener = browser.addEventListener.bind(browser);
    globalThis.document = page;
    life = new AbortController();
    watchTouches(idleness, life.signal);
  });

  afterEach(() => {
    delete globalThis.addEventListener;
    delete globalThis.document;
  });

  function turn(away) {
    hidden = page.hidden = away;
    page.dispatchEvent(new Event("visibilitychange"));
  }

  test("say that somebody is there, and its hiding that nobody is", async () => {
    await clock.pass(5 * MINUTES);
    browser.dispatchEvent(new Event("keydown"));
    turn(true);
    turn(false);
    assert.deepEqual(told, [true, false, true, false]);
  });

  test("are heard no longer than the chat is there, and no timer is left", async () => {
    life.abort();
    assert.equal(clock.waiting, 0);
    browser.dispatchEvent(new Event("keydown"));
    turn(true);
    await clock.pass(10 * MINUTES);
    assert.deepEqual([told, clock.waiting], [[], 0]);
  });
});
