import assert from "node:assert/strict";
import { test } from "node:test";
import { explain, explainName } from "../../static/chat/errors.js";
import { useLanguage } from "../../static/chat/i18n.js";

test("what is forbidden by the site is said in the site's words, what the server says in the reader's", () => {
  useLanguage("zh", { "You may not write in this room.": "此处不能发言。", "You may not do this.": "不可以。" });
  assert.equal(explain({ code: "forbidden", message: "You may not write in this room." }), "此处不能发言。");
  assert.equal(explain({ code: "forbidden", message: "Please no links." }), "Please no links.");
  assert.equal(explain({ code: "forbidden" }), "不可以。");
  assert.equal(explain({ code: "of the future", message: "hm" }), "hm");
});

test("a name that cannot be one is told what a name is", () => {
  for (const code of ["bad_text", "too_long", "empty"]) {
    assert.equal(explainName({ code }), "A name has 1 to 80 printable characters.");
  }
  assert.equal(explainName({ code: "exists" }), "There is a room of this name already.");
});
