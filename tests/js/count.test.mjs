import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { upTo99 } from "../../static/chat/count.js";

test("a count has two digits at most", () => {
  assert.deepEqual([1, 99, 100, 4321].map(upTo99), [1, 99, "99+", "99+"]);
});

describe("many unread messages", () => {
  const [lobby, tea] = ["Lobby", "Tea"].map((title) => ({ key: `g:${title}`, title, isRoom: true, ts: 0, unread: 120 }));
  const chat = {
    current: null, ready: true, rooms: [lobby, tea], directs: [], client: { state: "open", transport: "websocket" },
    unreadOf: ({ unread }) => unread,
  };

  // The vendored library asks for a page as soon as it is loaded; nothing is drawn here.
  before(() => { globalThis.document = { createComment() {}, createTreeWalker() {} }; });
  after(() => { delete globalThis.document; });

  /** What a template says, without its own words. */
  function said(template) {
    if (Array.isArray(template)) return template.flatMap(said);
    return template?.values ? said(template.values) : [template].filter((value) => typeof value === "string");
  }

  test("are counted so in the widget's choice", async () => {
    const { panel } = await import("../../static/chat/views/panel.js");
    const words = said(panel({ chat, choices: [lobby, tea] }));
    assert.ok(words.includes("Lobby (99+)"), words.join());
    assert.ok(words.includes("Tea (99+)"), words.join());
  });

  test("and so where one jumps to a conversation", async () => {
    const { dialog } = await import("../../static/chat/views/dialogs.js");
    const words = said(dialog({ chat, dialogs: { current: { name: "switcher", filter: "" } } }));
    assert.equal(words.filter((word) => word === "99+").length, 2, words.join());
  });

  test("and so in the tab's title", async () => {
    const { nameTab } = await import("../../static/chat/views/tab.js");
    document.querySelector = () => ({ dataset: {}, getAttribute() {}, setAttribute() {} });
    nameTab(lobby, 120);
    assert.equal(document.title, "(99+) Lobby · Chat");
  });
});
