import assert from "node:assert/strict";
import { test } from "node:test";
import { askedFor, hashOf } from "../../static/chat/address.js";

test("the address of a conversation leads to it, whatever it is called", () => {
  for (const key of ["g:lobby", "p:9", "g:聊天", "g:a b#c", "g:100%", "g:a/b?c=d&e"]) {
    const { hash } = new URL(hashOf(key), "https://chat.example/chat/");
    assert.equal(askedFor(hash), key);
  }
  assert.equal(new URL(hashOf(null), "https://chat.example/chat/").href, "https://chat.example/chat/");
});

test("an address that asks for nothing one could open asks for none", () => {
  for (const hash of ["", "#", "#lobby", "#g:", "#%E0%A4%A"]) assert.equal(askedFor(hash), null, hash);
});
