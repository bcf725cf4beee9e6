import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { watchBrowser } from "../../static/chat/waking.js";

let calls, page, browser, time, life;

beforeEach(() => {
  time = 1_000_000;
  mock.timers.enable({ apis: ["setInterval"] });
  mock.method(Date, "now", () => time);
  calls = [];
  browser = new EventTarget();
  page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  globalThis.addEventListener = browser.addEventListener.bind(browser);
  globalThis.document = page;
  life = new AbortController();
  watchBrowser({ wake: () => calls.push("wake"), drop: () => calls.push("drop"), rest: () => calls.push("rest") }, life.signal);
});

afterEach(() => {
  mock.timers.reset();
  mock.restoreAll();
  delete globalThis.addEventListener;
  delete globalThis.document;
});

const tell = (target, name, fields = {}) => target.dispatchEvent(Object.assign(new Event(name), fields));

describe("a browser", () => {
  test("whose network goes and comes drops the link and wakes", () => {
    tell(browser, "offline");
    tell(browser, "online");
    assert.deepEqual(calls, ["drop", "wake"]);
  });

  test("that thaws a page, or takes it out of its cache, wakes", () => {
    tell(page, "resume");
    tell(browser, "pageshow", { persisted: false });
    tell(browser, "pageshow", { persisted: true });
    assert.deepEqual(calls, ["wake", "wake"]);
  });

  test("wakes when the page comes into view, and rests when it goes", () => {
    page.visibilityState = "hidden";
    tell(page, "visibilitychange");
    page.visibilityState = "visible";
    tell(page, "visibilitychange");
    assert.deepEqual(calls, ["rest", "wake"]);
  });

  test("that was shut for a while without any event wakes, one that is only busy does not", () => {
    const look = (after) => { time += after; mock.timers.tick(2_000); };
    for (const after of [2_000, 2_100, 6_000]) look(after);
    assert.deepEqual(calls, []);
    look(3_600_000);
    look(2_000);
    assert.deepEqual(calls, ["wake"]);
    page.visibilityState = "hidden";
    look(60_000);
    assert.deepEqual(calls, ["wake"], "a hidden page has few timers, and nobody who waits");
  });

  test("is watched no longer than the client is of use", () => {
    const stop = mock.method(globalThis, "clearInterval");
    life.abort();
    for (const name of ["offline", "online"]) tell(browser, name);
    tell(browser, "pageshow", { persisted: true });
    for (const name of ["resume", "visibilitychange"]) tell(page, name);
    time += 3_600_000;
    mock.timers.tick(2_000);
    assert.deepEqual(calls, []);
    assert.equal(stop.mock.callCount(), 1);
  });
});
