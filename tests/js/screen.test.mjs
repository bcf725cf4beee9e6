import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { fitScreen } from "../../static/chat/screen.js";

let viewport, style, life;

beforeEach(() => {
  viewport = globalThis.visualViewport = Object.assign(new EventTarget(), { scale: 1, height: 700 });
  style = new Map();
  const root = { style: { setProperty: (name, value) => style.set(name, value), removeProperty: (name) => style.delete(name) } };
  life = new AbortController();
  fitScreen(root, life.signal);
});

afterEach(() => {
  delete globalThis.visualViewport;
});

function becomes(changes) {
  Object.assign(viewport, changes);
  viewport.dispatchEvent(new Event("resize"));
  return style.get("--lc-height");
}

test("what a keyboard leaves is the height of the chat, and who zooms is left alone", () => {
  assert.equal(becomes({ height: 380 }), "380px");
  assert.equal(becomes({ height: 190, scale: 2 }), undefined);
});

test("a chat that is taken away leaves neither a height nor an ear", () => {
  becomes({ height: 380 });
  life.abort();
  assert.equal(style.size, 0);
  assert.equal(becomes({ height: 300 }), undefined);
});
