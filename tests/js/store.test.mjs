import assert from "node:assert/strict";
import { test } from "node:test";
import { Store, browserStorage } from "../../static/chat/store.js";
import { FakeStorage } from "./support.mjs";

test("what is kept is found by the same person only", () => {
  const storage = new FakeStorage();
  new Store(storage, "1").set("draft", "half a");
  assert.equal(new Store(storage, "1").get("draft"), "half a");
  assert.equal(new Store(storage, "2").get("draft"), null);
});

test("another tab does not change what this one already looked at", () => {
  const storage = new FakeStorage();
  const here = new Store(storage, "1");
  assert.equal(here.get("draft"), null);
  new Store(storage, "1").set("draft", "typed elsewhere");
  assert.equal(here.get("draft"), null);
});

test("a setting that another tab keeps holds here as soon as the browser tells of it", () => {
  const storage = new FakeStorage();
  const [here, there] = [new Store(storage, "1"), new Store(storage, "1")];
  assert.deepEqual([here.shared("sound"), here.get("draft")], [null, null]);
  there.set("sound", "off");
  there.set("draft", "half a");
  for (const key of storage.kept.keys()) here.changed(key);
  assert.deepEqual([here.shared("sound"), here.get("draft")], ["off", null]);
  there.set("sound", "on");
  here.changed(null);
  assert.equal(here.shared("sound"), "on");
});

test("a full disk keeps nothing rather than something old", () => {
  const storage = new FakeStorage();
  const store = new Store(storage, "1");
  store.set("outbox", ["given up later"]);
  storage.setItem = () => { throw new Error("QuotaExceededError"); };
  store.set("outbox", ["new"]);
  assert.deepEqual(store.get("outbox"), ["new"]);
  assert.equal(new Store(storage, "1").get("outbox"), null);
});

test("a browser that forbids even to look still gets a store", () => {
  const browser = { get localStorage() { throw new Error("SecurityError"); } };
  const store = new Store(browserStorage("localStorage", browser), "1");
  store.set("draft", "half a");
  assert.equal(store.get("draft"), "half a");
});
