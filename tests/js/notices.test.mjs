import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Chime } from "../../static/chat/chime.js";
import { Listeners } from "../../static/chat/listeners.js";
import { Mutes } from "../../static/chat/mutes.js";
import { Notices } from "../../static/chat/notices.js";
import { Notifier } from "../../static/chat/notifier.js";
import { Settings } from "../../static/chat/settings.js";
import { Store } from "../../static/chat/store.js";
import { FakeClock, FakeStorage, fakeChannels } from "./support.mjs";

const lobby = { key: "g:lobby", title: "Lobby", isRoom: true, read: 3 };
const ben = { key: "p:2", title: "ben", isRoom: false, read: 0 };
const said = (seq, content = `said ${seq}`) => ({ seq, name: "ben", content });
const parcel = { content: "Your parcel is here.", key: null, seq: null };

let clock, channel, storage, tabs, browser;

beforeEach(() => {
  clock = new FakeClock();
  channel = fakeChannels();
  storage = new FakeStorage();
  browser = fakeBrowser();
  tabs = [];
});

/** A browser with notifications, which are in `.shown`. */
function fakeBrowser() {
  class Notification {
    static permission = "granted";
    static shown = [];
    static asked = 0;
    static async requestPermission() { this.asked++; this.permission = "granted"; }
    constructor(title, { body, tag }) { Object.assign(this, { title, body, tag }); Notification.shown.push(this); }
    close() { this.closed = true; this.onclose?.(); }
  }
  return { isSecureContext: true, Notification };
}

/** A tab of ada's: `looking` says if she uses it, `sounds` counts, `opened` is where she went. */
function open({ looking = false, current = null } = {}) {
  const local = new Store(storage, "1");
  const chat = Object.assign(new Listeners(), { me: { uid: "1" }, current, mutes: new Mutes(local) });
  const tab = { chat, local, looking, sounds: 0, opened: [], settings: new Settings(local) };
  tab.notices = new Notices({
    chat,
    settings: tab.settings,
    clock,
    channel: channel(),
    attentive: () => tab.looking,
    changed: () => {},
    open: (key) => tab.opened.push(key),
    chime: { able: true, unlock: () => {}, play: () => { tab.sounds++; } },
    notifier: new Notifier(browser),
  });
  tabs.push(tab);
  return tab;
}

/** What one tab kept, the browser tells the others. */
const spread = () => tabs.forEach(({ local }) => local.changed(null));

/** It reaches all tabs. */
async function told(...event) {
  for (const { chat } of tabs) chat.tell(...event);
  await clock.pass(1_000);
}

const sounds = () => tabs.reduce((sum, tab) => sum + tab.sounds, 0);
const shown = () => browser.Notification.shown.map(({ title, body }) => [title, body]);

describe("a push", () => {
  test("is a toast in every tab, one sound and one notification", async () => {
    open();
    open();
    await told("push", parcel);
    for (const { notices } of tabs) assert.deepEqual(notices.toasts.list.map(({ content }) => content), [parcel.content]);
    assert.equal(sounds(), 1);
    assert.deepEqual(shown(), [["Chat", parcel.content]]);
  });

  test("to somebody who looks is not notified of, and counts as seen", async () => {
    const tab = open({ looking: true });
    open();
    await told("push", parcel);
    assert.deepEqual(shown(), []);
    assert.equal(tab.notices.toasts.unseen, 0);
    assert.equal(tabs[1].notices.toasts.unseen, 1);
  });

  test("counts until somebody looks", async () => {
    const tab = open();
    await told("push", parcel);
    await told("push", { ...parcel, content: "Another one" });
    assert.equal(tab.notices.toasts.unseen, 2);
    tab.notices.look();
    assert.equal(tab.notices.toasts.unseen, 2);
    tab.looking = true;
    tab.notices.look();
    assert.equal(tab.notices.toasts.unseen, 0);
    assert.equal(tab.notices.toasts.list.length, 2);
  });

  test("that is kept as a message is one piece of news, and leads to it", async () => {
    const tab = open();
    tab.chat.tell("message", ben, said(7));
    await told("push", { content: "said 7", key: "p:2", seq: 7 });
    assert.equal(sounds(), 1);
    assert.deepEqual(shown(), [["ben", "said 7"]]);
    assert.equal(tab.notices.toasts.unseen, 0);
    tab.notices.openToast(tab.notices.toasts.list[0]);
    assert.deepEqual(tab.opened, ["p:2"]);
    assert.deepEqual(tab.notices.toasts.list, []);
  });

  test("among many leaves the newest three, and each can be closed", async () => {
    const tab = open();
    for (const content of ["1", "2", "3", "4"]) await told("push", { ...parcel, content });
    const [, three] = tab.notices.toasts.list;
    tab.notices.close(three.id);
    assert.deepEqual(tab.notices.toasts.list.map(({ content }) => content), ["2", "4"]);
  });
});

describe("a message", () => {
  test("in a room that nobody sees is heard once and notified of once", async () => {
    open({ current: lobby });
    open();
    await told("message", lobby, said(4));
    assert.equal(sounds(), 1);
    assert.deepEqual(shown(), [["Lobby", "ben: said 4"]]);
  });

  test("before one's eyes in another tab is quiet", async () => {
    open();
    open({ looking: true, current: lobby });
    await told("message", lobby, said(4));
    assert.deepEqual([sounds(), shown()], [0, []]);
  });

  test("that was read on another device is no news", async () => {
    open();
    await told("message", lobby, said(3));
    assert.deepEqual([sounds(), shown()], [0, []]);
  });

  test("in a muted room is quiet, muted in whichever tab", async () => {
    open();
    open().chat.mutes.set("g:lobby", true);
    spread();
    await told("message", lobby, said(4));
    assert.deepEqual([sounds(), shown()], [0, []]);
    await told("message", ben, said(1));
    assert.equal(sounds(), 1);
  });

  test("of a thousand lines is notified of in a few", async () => {
    open();
    await told("message", ben, said(1, "长".repeat(1_000)));
    assert.equal([...browser.Notification.shown[0].body].length, 240);
  });
});

describe("one's wishes", () => {
  test("no sound, and no notification, hold in all tabs at once", async () => {
    open();
    const { settings } = open();
    settings.sound = "off";
    spread();
    await told("message", ben, said(1));
    assert.deepEqual([sounds(), shown().length], [0, 1]);
    settings.notifications = "off";
    spread();
    await told("message", ben, said(2));
    assert.deepEqual([sounds(), shown().length], [0, 1]);
  });

  test("are asked for by a press of the button only", async () => {
    browser.Notification.permission = "default";
    const { notices } = open();
    await told("message", ben, said(1));
    assert.deepEqual([browser.Notification.asked, shown()], [0, []]);
    assert.equal(notices.permission, "default");
    await notices.askPermission();
    assert.equal(browser.Notification.asked, 1);
    await told("message", ben, said(2));
    assert.deepEqual(shown(), [["ben", "said 2"]]);
  });
});

describe("the browser's notification", () => {
  test("leads to its conversation, and vanishes when the page is looked at", async () => {
    const tab = open();
    await told("message", ben, said(1));
    await told("message", lobby, said(4));
    const [first, second] = browser.Notification.shown;
    first.onclick();
    assert.deepEqual([tab.opened, first.closed], [["p:2"], true]);
    tab.looking = true;
    tab.notices.look();
    assert.equal(second.closed, true);
  });

  test("takes the place of an older one of the same conversation", async () => {
    open();
    for (const seq of [4, 5]) await told("message", lobby, said(seq));
    const [one, two] = browser.Notification.shown;
    assert.equal(one.tag, two.tag);
  });

  test("is nowhere without https, and nowhere on a telephone that only has the name of it", () => {
    assert.equal(new Notifier({ ...browser, isSecureContext: false }).permission, "missing");
    assert.equal(new Notifier({ isSecureContext: true }).permission, "missing");
    class Illegal { static permission = "granted"; constructor() { throw new TypeError("Illegal constructor"); } }
    const notifier = new Notifier({ isSecureContext: true, Notification: Illegal });
    notifier.show({ title: "a", body: "b", tag: "c" });
    assert.equal(notifier.permission, "missing");
  });
});

describe("the sound", () => {
  const contexts = [];
  const gain = { setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {} };
  const node = (more) => ({ connect: (next) => next, start() {}, stop() {}, frequency: {}, ...more });
  class AudioContext {
    tones = []; state = "running"; currentTime = 0;
    constructor() { contexts.push(this); }
    async suspend() { this.state = "suspended"; }
    async resume() { this.state = "running"; }
    createOscillator() { this.tones.push(node()); return this.tones.at(-1); }
    createGain() { return node({ gain }); }
  }

  test("waits for a touch, does not repeat itself at once, and sleeps in between", async () => {
    let touched = false;
    const chime = new Chime({ clock, AudioContext, touched: () => touched });
    chime.unlock();
    await chime.play();
    assert.deepEqual([chime.able, contexts.length], [false, 0]);
    touched = true;
    chime.unlock();
    const [context] = contexts;
    assert.equal(context.state, "suspended");
    await chime.play();
    await chime.play();
    assert.deepEqual([context.state, context.tones.length], ["running", 2]);
    context.tones[1].onended();
    assert.equal(context.state, "suspended");
    await clock.pass(2_000);
    await chime.play();
    assert.equal(context.tones.length, 4);
  });

  test("is missing where the browser has none, and nothing breaks", async () => {
    for (const AudioContext of [null, class { constructor() { throw new Error("no device"); } }]) {
      const chime = new Chime({ clock, AudioContext });
      chime.unlock();
      await chime.play();
      assert.equal(chime.able, false);
    }
  });
});
