import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { inShadow } from "../../static/chat/shadow.js";

const SHEETS = ["variables.css", "base.css", "chat.css", "widget.css"];
const read = (name) => readFileSync(new URL(`../../static/chat/${name}`, import.meta.url), "utf8");

describe("a style sheet in a shadow tree", () => {
  test("has its variables at the host", () => {
    assert.equal(inShadow(":root { --a: 1; }\n@media x {\n  :root { --a: 0; }\n}"), ":host { --a: 1; }\n@media x {\n  :host { --a: 0; }\n}");
    assert.equal(inShadow(':root[data-theme="dark"] { color-scheme: dark; }'), ':host([data-theme="dark"]) { color-scheme: dark; }');
  });

  test("has what is for the whole page at the widget's own frame", () => {
    assert.equal(inShadow("html { a: b }\nbody { c: d }"), ".widget { a: b }\n.widget { c: d }");
    assert.equal(inShadow(".body { a: b }\n.x body-part { c: d }"), ".body { a: b }\n.x body-part { c: d }");
  });

  test("does not grow and shrink with the letters of the page around it", () => {
    assert.equal(inShadow("a { font-size: .8125rem; margin: 2rem 1.5em }"), "a { font-size: 13px; margin: 32px 1.5em }");
  });

  test("has nothing left that means the page", () => {
    for (const name of SHEETS) {
      const rules = inShadow(read(name)).replace(/\/\*.*?\*\//gs, "").replace(/@media print \{.*?\n\}/gs, "");
      assert.doesNotMatch(rules, /:root|\drem\b|(?:^|[\s,}])(?:html|body)\s*[,{]/, name);
    }
  });
});
