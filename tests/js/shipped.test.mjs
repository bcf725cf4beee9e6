// What is shipped beside the code: pages that a strict Content-Security-Policy lets work, and
// libraries that are what they say.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { describe, test } from "node:test";

const TOP = new URL("../../", import.meta.url);
const read = (name) => readFileSync(new URL(name, TOP), "utf8");
const files = (folder, ending) => readdirSync(new URL(folder, TOP), { recursive: true })
  .filter((name) => name.endsWith(ending)).map((name) => folder + name);

describe("a strict policy", () => {
  const sources = [...files("templates/", ".html"), ...files("static/chat/", ".js")];

  for (const name of sources) {
    test(`finds nothing inline in ${name}`, () => {
      const source = read(name);
      assert.doesNotMatch(source, /<[^>]*\sstyle=/i);
      assert.doesNotMatch(source, /<[^>]*\son[a-z]+\s*=/i);
      assert.doesNotMatch(source, /<style|<script(?![^>]*(?:\ssrc=|type="application\/json"))/i);
      assert.doesNotMatch(source, /javascript:|\beval\(|new Function|innerHTML|unsafeHTML|\|\s*safe\b/);
    });
  }

  test("meets no address of anybody else in pages and styles", () => {
    for (const name of [...files("templates/", ".html"), ...files("static/chat/", ".css")]) {
      assert.doesNotMatch(read(name), /https?:\/\//, name);
    }
  });
});

describe("vendored files", () => {
  const listed = [...read("static/vendor/README.md").matchAll(/\| `(.+?)` \| `([0-9a-f]{64})` \|/g)];

  test("are all in the list", () => {
    const present = [...files("static/vendor/", ".js"), ...files("static/vendor/", "LICENSE")];
    assert.deepEqual(listed.map(([, name]) => `static/vendor/${name}`).sort(), present.sort());
  });

  for (const [, name, sum] of listed) {
    test(`${name} is as its authors published it`, () => {
      assert.equal(createHash("sha256").update(read(`static/vendor/${name}`)).digest("hex"), sum);
    });
  }
});

test("every icon that is used is drawn", () => {
  const drawn = new Set([...read("templates/chat/_icons.html").matchAll(/id="icon-(\w+)"/g)].map(([, name]) => name));
  const used = files("static/chat/views/", ".js").flatMap((name) =>
    [...read(name).matchAll(/(?:\bicon\(|\bline\(|\btick\(|\bname: )"(\w+)"/g)].map(([, icon]) => icon));
  assert.ok(used.length > 15);
  for (const name of used) assert.ok(drawn.has(name), name);
  for (const name of ["hash", "lock"]) assert.ok(drawn.has(name), name);
});
