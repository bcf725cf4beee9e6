import assert from "node:assert/strict";
import { test } from "node:test";
import { splitLinks } from "../../static/chat/text.js";

const links = (content) => splitLinks(content).filter(({ href }) => href).map(({ href }) => href);

test("plain text stays one piece", () => {
  assert.deepEqual(splitLinks("hello <b>you</b>"), [{ text: "hello <b>you</b>" }]);
  assert.deepEqual(splitLinks(""), []);
});

test("an address in a sentence becomes a link and nothing is lost around it", () => {
  assert.deepEqual(splitLinks("see https://a.example/b, then go"), [
    { text: "see " }, { text: "https://a.example/b", href: "https://a.example/b" }, { text: ", then go" },
  ]);
});

test("whatever is split, the pieces joined are what was written", () => {
  for (const content of ["https://a.example", "x https://a.example/?q=1&r=2#f) y\nhttp://b.example.", "https:// nothing", "(https://a.example/(x))"]) {
    assert.equal(splitLinks(content).map(({ text }) => text).join(""), content);
  }
});

test("only http and https are links", () => {
  assert.deepEqual(links("javascript:alert(1) ftp://a.example data:text/html,x file:///etc mailto:a@b.example www.a.example"), []);
  assert.deepEqual(links("HTTP://A.example"), ["HTTP://A.example"]);
});

test("the end of a sentence is not part of an address", () => {
  assert.deepEqual(links("(see https://a.example/b). And https://c.example/d?! *https://e.example*"),
    ["https://a.example/b", "https://c.example/d", "https://e.example"]);
});

test("brackets that belong to an address stay in it", () => {
  assert.deepEqual(links("(https://a.example/Foo_(bar))"), ["https://a.example/Foo_(bar)"]);
});

test("Chinese punctuation ends an address, Chinese letters do not", () => {
  assert.deepEqual(links("看https://a.example/日志，谢谢。（http://b.example）"), ["https://a.example/日志", "http://b.example"]);
});

test("markup and quotes end an address", () => {
  assert.deepEqual(links("<a href=\"https://a.example/x\">https://b.example</a>"), ["https://a.example/x", "https://b.example"]);
});

test("a scheme without a host is no address", () => {
  assert.deepEqual(links("https://... http://"), []);
});

test("many links in a long text are found in no time", () => {
  const content = "https://a.example/" + "(".repeat(2_000) + ")".repeat(2_000);
  const start = performance.now();
  splitLinks(content);
  assert.ok(performance.now() - start < 500);
});
