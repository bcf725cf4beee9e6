import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Alerts } from "../../static/chat/alerts.js";
import { FakeClock, fakeChannels } from "./support.mjs";

const ABLE = { seen: false, focused: false, sound: true, notify: true };
const NEWS = { title: "Lobby" };

let clock, channel, done;

/** A tab of ada's browser; what it does is in `done`. */
function open(tab, over = channel()) {
  const act = { sound: () => done.push(`${tab} sounds`), notify: ({ title }) => done.push(`${tab} notifies of ${title}`) };
  return new Alerts({ clock, channel: over, act, tab });
}

beforeEach(() => {
  clock = new FakeClock();
  channel = fakeChannels();
  done = [];
});

describe("news", () => {
  test("in a single tab sounds and notifies once", async () => {
    const only = open("a");
    only.raise("g:lobby 1", ABLE, NEWS);
    only.raise("g:lobby 1", ABLE, NEWS);
    await clock.pass(5_000);
    assert.deepEqual(done, ["a sounds", "a notifies of Lobby"]);
  });

  test("in a browser that cannot join its tabs is told by each", async () => {
    open("a", null).raise("g:lobby 1", ABLE, NEWS);
    await clock.pass(1_000);
    assert.deepEqual(done, ["a sounds", "a notifies of Lobby"]);
  });

  test("in three tabs is told by one, whoever hears it first", async () => {
    const [a, b, c] = ["a", "b", "c"].map((name) => open(name));
    for (const tab of [c, a, b]) {
      tab.raise("g:lobby 1", ABLE, NEWS);
      await clock.pass(20);
    }
    await clock.pass(1_000);
    assert.deepEqual(done, ["a sounds", "a notifies of Lobby"]);
  });

  test("that reaches a tab late was told already", async () => {
    const [a, b] = [open("a"), open("b")];
    b.raise("g:lobby 1", ABLE, NEWS);
    await clock.pass(1_000);
    a.raise("g:lobby 1", ABLE, NEWS);
    await clock.pass(1_000);
    assert.deepEqual(done, ["b sounds", "b notifies of Lobby"]);
  });

  test("before somebody's eyes in one tab is quiet in all", async () => {
    const [a, b] = [open("a"), open("b")];
    a.raise("g:lobby 1", ABLE, NEWS);
    b.raise("g:lobby 1", { ...ABLE, focused: true, seen: true }, NEWS);
    await clock.pass(1_000);
    assert.deepEqual(done, []);
  });

  test("in another room than the one that somebody looks at is heard, but notified of nowhere", async () => {
    const [a, b] = [open("a"), open("b")];
    a.raise("g:tea 1", ABLE, NEWS);
    b.raise("g:tea 1", { ...ABLE, focused: true }, NEWS);
    await clock.pass(1_000);
    assert.deepEqual(done, ["a sounds"]);
  });

  test("is heard from a tab that may sound, and shown by one that may notify", async () => {
    const [a, b] = [open("a"), open("b")];
    a.raise("g:tea 1", { ...ABLE, sound: false }, NEWS);
    b.raise("g:tea 1", { ...ABLE, notify: false }, NEWS);
    await clock.pass(1_000);
    assert.deepEqual(done, ["a notifies of Lobby", "b sounds"]);
  });

  test("in the same words is news again after a while", async () => {
    const only = open("a");
    for (let time = 0; time < 2; time++) {
      only.raise("push Tea is ready", { ...ABLE, notify: false }, NEWS);
      await clock.pass(4_000);
    }
    assert.deepEqual(done, ["a sounds", "a sounds"]);
  });

  test("that a tab told of in its last moment is told by the next one as far as it was not", async () => {
    const gone = channel();
    const b = open("b");
    gone.postMessage({ tab: "a", key: "g:tea 1", did: "sound" });
    b.raise("g:tea 1", ABLE, NEWS);
    await clock.pass(1_000);
    assert.deepEqual(done, ["b notifies of Lobby"]);
    b.raise("g:tea 2", ABLE, NEWS);
    await clock.pass(1_000);
    assert.deepEqual(done.slice(1), ["b sounds", "b notifies of Lobby"]);
  });
});
