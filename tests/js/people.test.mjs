import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { byPresence, People } from "../../static/chat/people.js";

let people;

beforeEach(() => {
  people = new People();
  people.see({ uid: "2", name: "bob", online: true });
});

test("what a frame leaves out stays as it was", () => {
  people.see({ uid: "2", online: true, away: true });
  people.see({ uid: "2", name: "Bob" });
  assert.deepEqual(people.get("2"), { uid: "2", name: "Bob", online: true, away: true, seen: null, avatar: null });
});

test("whoever is said to be here and no more is not away", () => {
  people.see({ uid: "2", online: true, away: true });
  people.see({ uid: "2", online: true });
  assert.equal(people.get("2").away, false);
});

test("when somebody was last here is kept while they are gone", () => {
  people.see({ uid: "2", online: false, seen: 5_000 });
  people.see({ uid: "2", name: "bob", online: false });
  const { online, away, seen } = people.get("2");
  assert.deepEqual({ online, away, seen }, { online: false, away: false, seen: 5_000 });
});

test("a stranger is called by the number and is not here", () => {
  assert.deepEqual(people.get("9"), { uid: "9", name: "9", online: false, away: false, seen: null, avatar: null });
});

test("a picture stays until the site says that there is none, and views hear of each change", () => {
  people.see({ uid: "2", avatar: "/bob.png" });
  people.see({ uid: "2", name: "Bob" });
  assert.deepEqual([people.get("2").avatar, people.pictures], ["/bob.png", 1]);
  people.see({ uid: "2", avatar: null });
  assert.deepEqual([people.get("2").avatar, people.pictures], [null, 2]);
});

test("without a connection nobody knows how somebody stands, and what was known is not lost", () => {
  people.live = false;
  people.see({ uid: "2", name: "Bob" });
  assert.deepEqual([people.get("2").stale, people.all()[0].stale], [true, true]);
  people.live = true;
  assert.deepEqual(people.get("2"), { uid: "2", name: "Bob", online: true, away: false, seen: null, avatar: null });
});

test("who is here stands before who is away, and those before the others", () => {
  people.see({ uid: "3", name: "cleo", online: true, away: true });
  people.see({ uid: "4", name: "dan", online: false });
  people.see({ uid: "5", name: "amy", online: false });
  people.see({ uid: "6", name: "abe", online: true });
  assert.deepEqual(people.all().sort(byPresence).map(({ name }) => name), ["abe", "bob", "cleo", "amy", "dan"]);
});
