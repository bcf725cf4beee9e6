import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sendsMessage, shortcutOf } from "../../static/chat/keys.js";

const press = (key, differently = {}) => ({
  key, keyCode: 13, isComposing: false, shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, ...differently,
});

describe("in the composer", () => {
  test("Enter sends", () => assert.equal(sendsMessage(press("Enter"), "enter"), true));
  test("Shift+Enter is a new line", () => assert.equal(sendsMessage(press("Enter", { shiftKey: true }), "enter"), false));
  test("Alt+Enter is a new line", () => assert.equal(sendsMessage(press("Enter", { altKey: true }), "enter"), false));
  test("Ctrl+Enter sends as well", () => assert.equal(sendsMessage(press("Enter", { ctrlKey: true }), "enter"), true));
  test("letters do not send", () => assert.equal(sendsMessage(press("a", { keyCode: 65 }), "enter"), false));

  for (const mode of ["enter", "ctrl-enter"]) {
    test(`choosing a Chinese word with Enter never sends (${mode})`, () => {
      assert.equal(sendsMessage(press("Enter", { isComposing: true, ctrlKey: true }), mode), false);
    });
    test(`not even in Safari, which has ended the composition by then (${mode})`, () => {
      assert.equal(sendsMessage(press("Enter", { keyCode: 229, ctrlKey: true }), mode), false);
    });
  }

  test("who chose Ctrl+Enter writes lines with Enter", () => {
    assert.equal(sendsMessage(press("Enter"), "ctrl-enter"), false);
    assert.equal(sendsMessage(press("Enter", { ctrlKey: true }), "ctrl-enter"), true);
    assert.equal(sendsMessage(press("Enter", { metaKey: true }), "ctrl-enter"), true);
  });
});

describe("on the page", () => {
  const outside = { inText: false };
  const inside = { inText: true };

  test("Ctrl+K and Command+K open the switcher, also while writing", () => {
    assert.equal(shortcutOf(press("k", { ctrlKey: true }), inside), "switcher");
    assert.equal(shortcutOf(press("K", { metaKey: true }), outside), "switcher");
    assert.equal(shortcutOf(press("k"), outside), null);
  });

  test("Alt with the arrows goes through the conversations", () => {
    assert.equal(shortcutOf(press("ArrowUp", { altKey: true }), inside), "previous");
    assert.equal(shortcutOf(press("ArrowDown", { altKey: true }), inside), "next");
    assert.equal(shortcutOf(press("ArrowDown"), inside), null);
  });

  test("a question mark asks for the list, unless it is being written", () => {
    assert.equal(shortcutOf(press("?", { shiftKey: true }), outside), "shortcuts");
    assert.equal(shortcutOf(press("?", { shiftKey: true }), inside), null);
  });

  test("Shift+Esc marks all as read, Esc alone does not", () => {
    assert.equal(shortcutOf(press("Escape", { shiftKey: true }), inside), "read-all");
    assert.equal(shortcutOf(press("Escape"), inside), null);
  });

  test("nothing happens while a word is being composed", () => {
    assert.equal(shortcutOf(press("k", { ctrlKey: true, isComposing: true }), inside), null);
  });
});
