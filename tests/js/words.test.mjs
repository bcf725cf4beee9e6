import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { afterEach, describe, test } from "node:test";
import { ago, clockTime, dayName, shortTime } from "../../static/chat/dates.js";
import { phrase, t, useLanguage } from "../../static/chat/i18n.js";

const SCRIPTS = new URL("../../static/chat/", import.meta.url);
const CHINESE = new URL("../../legacy_chat/translations/zh/LC_MESSAGES/legacy_chat.po", import.meta.url);

afterEach(() => useLanguage("en", {}));

/** The translations of a .po file, by their English texts. */
function readPo(file) {
  const unquote = (lines) => lines.trim().split("\n").map((line) => JSON.parse(line)).join("");
  const entry = /msgid ((?:".*"\n)+)msgstr ((?:".*"\n?)+)/g;
  return new Map([...readFileSync(file, "utf8").matchAll(entry)].map(([, id, text]) => [unquote(id), unquote(text)]));
}

describe("words", () => {
  test("are English where nothing else is known", () => {
    useLanguage("zh", { Send: "发送", Empty: "" });
    assert.deepEqual([t("Send"), t("Empty"), t("Unknown")], ["发送", "Empty", "Unknown"]);
  });

  test("take values in the order of each language", () => {
    useLanguage("zh", { "{n} of {all}": "共 {all} 中的 {n}" });
    assert.equal(t("{n} of {all}", { n: 1, all: 9 }), "共 9 中的 1");
    assert.deepEqual(phrase("{n} of {all}", { n: "x", all: "y" }), ["共 ", "y", " 中的 ", "x", ""]);
  });

  test("a value is not read as a placeholder", () => {
    assert.equal(t("{name} left", { name: "{name}" }), "{name} left");
  });

  test("of every script are there in Chinese, with the same placeholders", () => {
    const chinese = readPo(CHINESE);
    const scripts = readdirSync(SCRIPTS, { recursive: true }).filter((name) => name.endsWith(".js"));
    const texts = scripts.flatMap((name) => [...readFileSync(new URL(name, SCRIPTS), "utf8")
      .matchAll(/\b(?:t|phrase)\(("(?:[^"\\]|\\.)+")/g)].map(([, literal]) => JSON.parse(literal)));
    assert.ok(texts.length > 80);
    const placeholders = (text) => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const text of texts) {
      assert.ok(chinese.get(text), `no Chinese for: ${text}`);
      assert.deepEqual(placeholders(chinese.get(text)), placeholders(text), text);
    }
  });
});

describe("days and times", () => {
  const now = new Date(2026, 4, 20, 9, 30).getTime();
  const at = (day, hour = 14) => new Date(2026, 4, day, hour, 5).getTime();

  test("have the names that people use", () => {
    assert.equal(dayName(at(20), now), "Today");
    assert.equal(dayName(at(19, 23), now), "Yesterday");
    assert.equal(dayName(at(17), now), "Sunday");
    assert.match(dayName(at(2), now), /May/);
    assert.match(dayName(new Date(2024, 1, 3).getTime(), now), /2024/);
  });

  test("are Chinese on a Chinese page", () => {
    useLanguage("zh", {});
    assert.equal(dayName(at(20), now), "今天");
    assert.equal(dayName(at(17), now), "星期日");
  });

  test("are short in the list", () => {
    assert.equal(shortTime(at(20), now), "14:05");
    assert.equal(shortTime(at(19), now), "Yesterday");
    assert.equal(shortTime(at(17), now), "Sun");
  });

  test("are counted back from now, as people say it", () => {
    const back = (ms) => ago(now - ms, now);
    assert.match(back(5 * 60_000), /^5 min\.? ago$/);
    assert.match(back(2 * 3_600_000), /^2 hr\.? ago$/);
    assert.equal(back(20 * 3_600_000), "yesterday");
    assert.match(back(3 * 86_400_000), /^3 days ago$/);
    assert.equal(back(400 * 86_400_000), shortTime(now - 400 * 86_400_000, now));
    assert.deepEqual([back(59_000), back(-5_000)], ["just now", "just now"]);
    useLanguage("zh", {});
    assert.equal(back(5 * 60_000), "5分钟前");
  });

  test("midnight is 00:00", () => assert.equal(clockTime(new Date(2026, 4, 20).getTime()), "00:00"));
});
