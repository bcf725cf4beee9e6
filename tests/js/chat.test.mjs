import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Chat } from "../../static/chat/chat.js";
import { ChatClient } from "../../static/chat/client.js";
import { Store } from "../../static/chat/store.js";
import { FakeClock, FakeStorage, fakeSockets, settled } from "./support.mjs";

let clock, WebSocket, chat, local, session;

const line = () => WebSocket.latest;
const room = (seq, { gid = "lobby", read = seq, unread = seq - read } = {}) =>
  ({ gid, name: gid, seq, read, unread, private: false, ts: seq });
const bob = (seq, { read = seq } = {}) => ({ uid: "2", name: "bob", seq, read, unread: seq - read, ts: 1, online: true });
const said = (seq, { gid = "lobby", uid = "2", ...more } = {}) =>
  ({ type: "groupPm", gid, uid, name: uid === "2" ? "bob" : "ada", content: `said ${seq}`, seq, ts: clock.now(), ...more });
const talk = (key = "g:lobby") => chat.conversations.get(key);
const seqs = (key) => talk(key).timeline.messages.map(({ seq }) => seq);

/** A page of ada (uid 1). */
function load() {
  chat = new Chat({
    client: new ChatClient("ws://chat.example/chat/ws", { WebSocket, clock, uid: "1", random: () => 0, watch: () => {} }),
    me: { uid: "1", name: "ada" },
    local: new Store(local, "1"),
    session: new Store(session, "1"),
    clock,
  });
  chat.client.connect();
}

async function answer(type, fields) {
  await settled();
  const { id } = line().asked(type).at(-1);
  line().says({ type: "ack", id, ok: true, ...fields });
  await settled();
}

beforeEach(() => {
  clock = new FakeClock();
  WebSocket = fakeSockets();
  local = new FakeStorage();
  session = new FakeStorage();
  load();
});

describe("unread messages", () => {
  test("are counted by conversation and in all", () => {
    line().welcomes({ groups: [room(10, { read: 7 }), room(5, { gid: "tea" })], peers: [bob(4, { read: 3 })] });
    line().says(said(6, { gid: "tea" }));
    assert.deepEqual([talk().unread, talk("g:tea").unread, talk("p:2").unread], [3, 1, 1]);
    assert.equal(chat.totalUnread, 5);
  });

  test("are not counted twice when they are replayed", async () => {
    line().welcomes({ groups: [room(10)] });
    line().hangsUp(1006);
    await clock.pass(1);
    line().welcomes({ groups: [room(12, { read: 10 })] });
    line().says(said(11));
    line().says(said(12));
    assert.equal(talk().unread, 2);
  });

  test("in a muted conversation are counted there, but call for nobody", () => {
    line().welcomes({ groups: [room(10, { read: 7 }), room(5, { gid: "tea", read: 3 })] });
    chat.mutes.set("g:lobby", true);
    assert.deepEqual([talk().unread, chat.totalUnread], [3, 2]);
    chat.mutes.set("g:lobby", false);
    assert.equal(chat.totalUnread, 5);
  });

  test("one's own messages are none", () => {
    line().welcomes({ groups: [room(10)] });
    line().says(said(11, { uid: "1" }));
    assert.equal(talk().unread, 0);
  });

  test("before one's eyes show no badge, but are marked by reading only", () => {
    line().welcomes({ groups: [room(10)] });
    chat.open("g:lobby");
    chat.watched = true;
    line().says(said(11));
    assert.equal(chat.totalUnread, 0);
    assert.deepEqual(line().asked("read"), []);
    chat.markRead(talk(), 11);
    assert.deepEqual(line().asked("read"), [{ type: "read", gid: "lobby", seq: 11 }]);
    chat.watched = false;
    assert.equal(chat.totalUnread, 0);
  });

  test("that were read in another tab are read here", () => {
    line().welcomes({ groups: [room(10, { read: 4 })] });
    line().says({ type: "read", gid: "lobby", uid: "1", name: "ada", seq: 10 });
    assert.equal(talk().unread, 0);
  });

  test("that were read while the line was down are marked afterwards", async () => {
    line().welcomes({ groups: [room(10, { read: 4 })] });
    line().hangsUp(1006);
    chat.markRead(talk(), 10);
    await clock.pass(1);
    line().welcomes({ groups: [room(10, { read: 4 })] });
    assert.deepEqual(line().asked("read"), [{ type: "read", gid: "lobby", seq: 10 }]);
    assert.equal(talk().unread, 0);
  });

  test("of a number that was skipped are counted too", () => {
    line().welcomes({ groups: [room(10)] });
    line().says(said(13));
    assert.equal(talk().unread, 3);
  });

  test("are read by whoever answers, in another tab as well", () => {
    line().welcomes({ groups: [room(10, { read: 7 })] });
    line().says(said(11, { uid: "1" }));
    assert.deepEqual([talk().read, talk().unread], [11, 0]);
    line().says(said(12));
    assert.equal(talk().unread, 1);
  });

  test("begin at a line, which is lifted when the room is left", () => {
    line().welcomes({ groups: [room(10, { read: 7 }), room(0, { gid: "tea" })] });
    chat.open("g:lobby");
    assert.equal(talk().timeline.dividerAfter, 7);
    chat.markRead(talk(), 10);
    assert.equal(talk().timeline.dividerAfter, 7);
    chat.open("g:tea");
    assert.equal(talk().timeline.dividerAfter, null);
  });
});

describe("history", () => {
  const page = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => said(from + at));

  test("is fetched page by page from the end", async () => {
    line().welcomes({ groups: [room(120)] });
    const [hole] = talk().timeline.holes();
    chat.history.fill(talk(), hole.before);
    assert.deepEqual(talk().filling.get(121), "loading");
    await settled();
    const { gid, before, limit } = line().asked("history").at(-1);
    assert.deepEqual({ gid, before, limit }, { gid: "lobby", before: 121, limit: 50 });
    await answer("history", { messages: page(71, 120), more: true });
    assert.equal(talk().filling.size, 0);
    assert.deepEqual(talk().timeline.holes(), [{ after: 0, before: 71 }]);
  });

  test("is asked for once, however often the hole is seen", () => {
    line().welcomes({ groups: [room(120)] });
    chat.history.fill(talk(), 121);
    chat.history.fill(talk(), 121);
    assert.equal(line().asked("history").length, 1);
  });

  test("that the server cannot give is said to have failed and can be asked for again", async () => {
    line().welcomes({ groups: [room(120)] });
    chat.history.fill(talk(), 121);
    line().says({ type: "error", id: line().asked("history")[0].id, code: "unavailable", message: "busy" });
    await settled();
    assert.equal(talk().filling.get(121), "failed");
    chat.history.fill(talk(), 121);
    assert.equal(line().asked("history").length, 2);
  });

  test("that failed for want of a connection is asked for again by itself", async () => {
    line().welcomes({ groups: [room(120)] });
    chat.history.fill(talk(), 121);
    line().hangsUp(1006);
    await settled();
    assert.equal(talk().filling.has(121), false);
    chat.history.fill(talk(), 121);
    assert.equal(talk().filling.has(121), false, "there is nobody to ask");
  });

  test("a gap in the open conversation is filled while one reads on", async () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    for (const seq of [1, 2, 3]) line().says(said(seq));
    line().says({ type: "gap", gid: "lobby", after: 3, seq: 40 });
    await answer("history", { messages: page(1, 40), more: false });
    line().says(said(41));
    assert.deepEqual(seqs(), Array.from({ length: 41 }, (_, at) => at + 1));
  });

  test("a hole in the numbers is noticed without being told", () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    for (const seq of [1, 2, 3, 6]) line().says(said(seq));
    assert.equal(line().asked("history").at(-1).before, 6);
  });

  test("that could not be fetched is not asked for again at every look, but on demand", async () => {
    line().welcomes({ groups: [room(120)] });
    chat.history.see(talk(), 121);
    await settled();
    line().says({ type: "error", id: line().asked("history").at(-1).id, code: "unavailable", message: "busy" });
    await settled();
    const asked = line().asked("history").length;
    chat.history.see(talk(), 121);
    assert.equal(line().asked("history").length, asked);
    chat.history.fill(talk(), 121);
    assert.equal(line().asked("history").length, asked + 1);
  });

  test("that could not be fetched is asked for again over the next connection", async () => {
    line().welcomes({ groups: [room(120)] });
    chat.history.see(talk(), 121);
    await settled();
    line().says({ type: "error", id: line().asked("history").at(-1).id, code: "unavailable", message: "busy" });
    await settled();
    line().hangsUp(1006);
    await clock.pass(1);
    line().welcomes({ groups: [room(120)] });
    chat.history.see(talk(), 121);
    assert.equal(line().asked("history").at(-1).before, 121);
  });

  test("a long absence is filled page by page, from the end, without being looked at", async () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    for (const seq of [1, 2, 3]) line().says(said(seq));
    line().says({ type: "gap", gid: "lobby", after: 3, seq: 250 });
    await answer("history", { messages: page(151, 250), more: true });
    await answer("history", { messages: page(51, 150), more: true });
    await answer("history", { messages: page(1, 50), more: false });
    assert.deepEqual(seqs(), Array.from({ length: 250 }, (_, at) => at + 1));
    assert.deepEqual(line().asked("history").slice(-3).map(({ before, limit }) => [before, limit]), [[251, 100], [151, 100], [51, 100]]);
  });

  test("an absence without end is not fetched at one go", async () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    for (const seq of [1, 2, 3]) line().says(said(seq));
    line().says({ type: "gap", gid: "lobby", after: 3, seq: 9_000 });
    for (let end = 9_000; end > 8_500; end -= 100) await answer("history", { messages: page(end - 99, end), more: true });
    assert.equal(line().asked("history").filter(({ before }) => before > 4).length, 5);
  });

  test("a filling that broke off goes on over the next connection", async () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    for (const seq of [1, 2, 3]) line().says(said(seq));
    line().says({ type: "gap", gid: "lobby", after: 3, seq: 40 });
    line().hangsUp(1006);
    await clock.pass(1);
    line().welcomes({ groups: [room(40, { read: 3 })] });
    assert.equal(line().asked("history").at(-1).before, 41);
    await answer("history", { messages: page(1, 40), more: false });
    assert.equal(seqs().length, 40);
  });

  test("a gap in a room that is not open waits for somebody to look", () => {
    line().welcomes({ groups: [room(0), room(0, { gid: "tea" })] });
    chat.open("g:tea");
    for (const seq of [1, 2, 3]) line().says(said(seq));
    line().says({ type: "gap", gid: "lobby", after: 3, seq: 40 });
    assert.deepEqual(line().asked("history"), []);
    chat.open("g:lobby");
    assert.equal(line().asked("history").at(-1).before, 41);
  });

  test("that became shorter on the server is begun anew", async () => {
    line().welcomes({ groups: [room(3)] });
    chat.open("g:lobby");
    for (const seq of [1, 2, 3]) line().says(said(seq));
    line().hangsUp(1006);
    await clock.pass(1);
    line().welcomes({ groups: [room(1)] });
    line().says({ type: "gap", gid: "lobby", after: 3, seq: 1 });
    assert.deepEqual(seqs(), []);
    assert.deepEqual(talk().timeline.holes(), [{ after: 0, before: 2 }]);
    line().says(said(2));
    assert.deepEqual(seqs(), [2]);
  });

  test("the list gets its last lines one by one, once the page is there", async () => {
    line().welcomes({ groups: [room(3), room(9, { gid: "tea" })] });
    await clock.pass(10);
    assert.deepEqual(line().asked("history").map(({ gid, limit }) => [gid, limit]), [["tea", 1]]);
    await answer("history", { messages: [said(9, { gid: "tea" })], more: true });
    assert.equal(talk("g:tea").timeline.last.content, "said 9");
    assert.equal(line().asked("history").at(-1).gid, "lobby");
  });

  test("does not grow for ever, but stays while somebody reads further up", () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    for (let seq = 1; seq <= 1001; seq++) line().says(said(seq));
    assert.equal(seqs().length, 1001);
    chat.watched = true;
    line().says(said(1002));
    assert.equal(seqs().length, 100);
    assert.equal(seqs().at(-1), 1002);
  });

  test("of a server that lost it is thrown away", async () => {
    line().welcomes({ groups: [room(3)] });
    for (const seq of [1, 2, 3]) line().says(said(seq));
    line().hangsUp(1006);
    await clock.pass(1);
    line().welcomes({ epoch: "e2", groups: [room(1, { read: 0 })] });
    assert.deepEqual(seqs(), []);
    assert.equal(talk().unread, 1);
  });
});

describe("the last lines in the list", () => {
  test("are fetched of what is unread first, then of what is newest", async () => {
    const rooms = Array.from({ length: 14 }, (_, at) => ({ ...room(9, { gid: `room${at}` }), ts: 100 + at }));
    line().welcomes({ groups: rooms, peers: [bob(4, { read: 3 })] });
    await clock.pass(0);
    for (let at = 0; at < 12; at++) await answer("history", { messages: [], more: false });
    const asked = line().asked("history").map(({ gid, uid }) => gid ?? uid);
    assert.equal(asked.length, 12);
    assert.deepEqual(asked.slice(0, 3), ["2", "room13", "room12"]);
  });
});

describe("writing", () => {
  test("shows the message at once and takes the draft away", () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    chat.setDraft("g:lobby", "hello");
    chat.send("hello");
    assert.equal(chat.draft("g:lobby"), "");
    assert.equal(talk().timeline.pending[0].state, "pending");
    assert.equal(line().asked("group")[0].content, "hello");
  });

  test("to a person is stored by its ack alone", async () => {
    line().welcomes({ peers: [bob(4)] });
    chat.open("p:2");
    chat.send("hello");
    await answer("pm", { seq: 5, mid: "x", ts: clock.now() });
    assert.deepEqual(seqs("p:2"), [5]);
    assert.equal(talk("p:2").timeline.pending.length, 0);
    assert.equal(talk("p:2").seq, 5);
  });

  test("during a break is sent once over the next connection, also after a reload", async () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    line().hangsUp(1006);
    chat.send("hello");
    load();
    line().welcomes({ groups: [room(0)] });
    const [sent] = line().asked("group");
    assert.equal(sent.content, "hello");
    assert.equal(talk().timeline.pending[0].id, sent.id);
    line().says(said(1, { uid: "1", content: "hello", id: sent.id }));
    await answer("group", { seq: 1, mid: "x", ts: clock.now() });
    assert.deepEqual(talk().timeline.rows().filter(({ kind }) => kind === "message").length, 1);
    assert.deepEqual(chat.outbox.items, []);
  });

  test("what could not go stays in sight when the server lost its history", async () => {
    line().welcomes({ groups: [room(3)] });
    chat.open("g:lobby");
    chat.send("hello");
    await settled();
    line().says({ type: "error", id: line().asked("group")[0].id, code: "forbidden", message: "no" });
    await settled();
    line().hangsUp(1006);
    await clock.pass(1);
    line().welcomes({ epoch: "e2", groups: [room(0)] });
    assert.deepEqual(talk().timeline.pending.map(({ content, state }) => [content, state]), [["hello", "failed"]]);
  });

  test("a first private message that waits over a reload still stands in its talk", () => {
    line().welcomes({});
    chat.open(chat.direct("2"));
    line().hangsUp(1006);
    chat.send("hello");
    load();
    line().welcomes({});
    assert.equal(talk("p:2").timeline.pending[0].content, "hello");
    assert.equal(line().asked("pm").length, 1);
  });

  test("is never sent as somebody else who logged in meanwhile", async () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    line().hangsUp(1006);
    chat.send("ada's own words");
    await clock.pass(1);
    line().welcomes({ uid: "2", groups: [room(0)] });
    await clock.pass(60_000);
    assert.deepEqual(WebSocket.sockets.flatMap((socket) => socket.asked("group")), []);
    assert.equal(chat.outbox.items.length, 1);
  });

  test("without an answer makes the page ask whether the link still lives", async () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    chat.send("hello");
    await clock.pass(5_000);
    assert.equal(talk().timeline.pending[0].state, "failed");
    const before = WebSocket.sockets.length;
    await clock.pass(2_000);
    assert.equal(WebSocket.sockets.length, before + 1);
    line().welcomes({ groups: [room(0)] });
    assert.equal(line().asked("group")[0].content, "hello");
  });

  test("is announced when it could not be sent", async () => {
    const unsent = [];
    chat.on("unsent", ({ content }) => unsent.push(content));
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    chat.send("hello");
    await clock.pass(5_000);
    assert.deepEqual(unsent, ["hello"]);
  });

  test("and given up too late is shown, since the other side has it", async () => {
    line().welcomes({ peers: [bob(4)] });
    chat.open("p:2");
    chat.send("hello");
    await clock.pass(1);
    chat.outbox.drop(talk("p:2").timeline.pending[0].id);
    line().says({ type: "pm", uid: "2", to: "1", name: "bob", content: "hi", seq: 5, ts: 5 });
    await answer("pm", { seq: 6, mid: "x", ts: clock.now() });
    assert.equal(talk("p:2").seq, 6);
    assert.equal(line().asked("history").at(-1).before, 7);
  });

  test("drafts stay with their conversation, over a reload", () => {
    chat.setDraft("g:lobby", "half a");
    load();
    assert.deepEqual([chat.draft("g:lobby"), chat.draft("p:2")], ["half a", ""]);
  });

  test("says so to the others at most every three seconds", async () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    for (let key = 0; key < 7; key++) {
      chat.speaker.typed();
      await clock.pass(1_000);
    }
    assert.deepEqual(line().asked("typing").length, 3);
  });
});

describe("people", () => {
  test("who type are shown for six seconds, or until they said it", async () => {
    line().welcomes({ groups: [room(0)] });
    line().says({ type: "typing", gid: "lobby", uid: "2", name: "bob" });
    line().says({ type: "typing", gid: "lobby", uid: "3", name: "cleo" });
    assert.deepEqual(talk().typing.names, ["bob", "cleo"]);
    line().says(said(1));
    assert.deepEqual(talk().typing.names, ["cleo"]);
    await clock.pass(6_000);
    assert.deepEqual(talk().typing.names, []);
  });

  test("come and go with a line in the room and in its list", async () => {
    line().welcomes({ groups: [room(0)] });
    chat.open("g:lobby");
    await answer("members", { members: [{ uid: "1", name: "ada", online: true }] });
    line().says({ type: "join", gid: "lobby", uid: "2", name: "bob", room: "Lobby", avatar: "/bob.png" });
    assert.deepEqual([...talk().members], ["1", "2"]);
    assert.equal(chat.people.get("2").avatar, "/bob.png");
    line().says({ type: "leave", gid: "lobby", uid: "2", name: "bob" });
    assert.deepEqual([...talk().members], ["1"]);
    assert.deepEqual([...talk().timeline.rows()[0].people], [["bob", false]]);
  });

  test("who write for the first time begin a talk", () => {
    line().welcomes({});
    line().says({ type: "pm", uid: "2", to: "1", name: "bob", content: "hi", seq: 1, ts: 5 });
    assert.equal(talk("p:2").title, "bob");
    assert.equal(talk("p:2").unread, 1);
  });

  test("a private message sent in another tab stands in the same talk", () => {
    line().welcomes({ peers: [bob(4)] });
    line().says({ type: "pm", uid: "1", to: "2", name: "ada", content: "hi", seq: 5, ts: 5, id: "x" });
    assert.deepEqual(seqs("p:2"), [5]);
    assert.equal(talk("p:2").unread, 0);
  });

  test("who read our private messages are remembered, for the second tick", () => {
    line().welcomes({ peers: [bob(4)] });
    line().says({ type: "read", uid: "2", to: "1", name: "bob", seq: 4 });
    assert.equal(talk("p:2").peerRead, 4);
    assert.equal(talk("p:2").read, 4);
  });

  test("who answer have read what stands above", () => {
    line().welcomes({ peers: [bob(4)] });
    line().says({ type: "pm", uid: "2", to: "1", name: "bob", content: "hi", seq: 5, ts: 5 });
    assert.equal(talk("p:2").peerRead, 5);
    line().says({ type: "pm", uid: "1", to: "2", name: "ada", content: "hi", seq: 6, ts: 6 });
    assert.equal(talk("p:2").peerRead, 5);
  });

  test("are online or not", () => {
    line().welcomes({ peers: [bob(4)] });
    assert.equal(chat.people.get("2").online, true);
    line().says({ type: "presence", uid: "2", online: false });
    assert.equal(chat.people.get("2").online, false);
  });
});

describe("rooms", () => {
  test("one was invited to appear by themselves, ones that were left elsewhere vanish", async () => {
    line().welcomes({ groups: [room(0)] });
    line().says({ type: "join", gid: "tea", uid: "1", name: "ada", room: "tea" });
    assert.equal(line().asked("login").length, 2);
    line().says({ type: "login", uid: "1", epoch: "e1", groups: [room(0), room(4, { gid: "tea" })], peers: [] });
    assert.equal(talk("g:tea").seq, 4);
    chat.open("g:tea");
    const tea = talk("g:tea");
    assert.equal(chat.has(tea), true);
    line().says({ type: "leave", gid: "tea", uid: "1", name: "ada" });
    assert.equal(talk("g:tea"), undefined);
    assert.equal(chat.has(tea), false);
    assert.equal(chat.current, null);
    line().hangsUp(1006);
    await clock.pass(1);
    line().welcomes({ groups: [] });
    assert.equal(talk(), undefined);
  });

  test("are called anew when the site calls them anew", () => {
    line().welcomes({ groups: [room(0)] });
    line().says({ type: "room", gid: "lobby", name: "Hall", private: true });
    assert.deepEqual([talk().title, talk().private], ["Hall", true]);
    line().says({ type: "room", gid: "elsewhere", name: "?", private: false });
  });

  test("say whether one may invite into them, also those of an older server", () => {
    line().welcomes({ groups: [room(0), { ...room(0, { gid: "site" }), invite: false }, { ...room(0, { gid: "ours" }), invite: true }] });
    assert.deepEqual(["lobby", "site", "ours"].map((gid) => talk(`g:${gid}`).invite), [true, false, true]);
  });

  test("are joined and created by name, and one is told where to go", async () => {
    line().welcomes({});
    const joined = chat.join("tea");
    await answer("join", { room: room(7, { gid: "tea", read: 0 }) });
    assert.equal(await joined, "g:tea");
    const created = chat.create("Garden", true);
    await settled();
    const { name, private: closed } = line().asked("create")[0];
    assert.deepEqual([name, closed], ["Garden", true]);
    await answer("create", { room: { ...room(0, { gid: "x1" }), private: true } });
    assert.equal(await created, "g:x1");
    assert.equal(talk("g:x1").private, true);
  });

  test("stand in the order of their last message", () => {
    line().welcomes({ groups: [room(1, { gid: "old" }), room(9, { gid: "new" })] });
    assert.deepEqual(chat.rooms.map(({ id }) => id), ["new", "old"]);
    line().says(said(2, { gid: "old" }));
    assert.deepEqual(chat.rooms.map(({ id }) => id), ["old", "new"]);
  });
});

describe("the site", () => {
  test("pushes a text to this person", () => {
    const pushes = [];
    chat.on("push", (push) => pushes.push(push));
    line().welcomes({});
    for (const data of ["Your parcel is here.", { content: "And another." }]) line().says({ type: "event", name: "push", data });
    const plain = { key: null, seq: null };
    assert.deepEqual(pushes, [{ content: "Your parcel is here.", ...plain }, { content: "And another.", ...plain }]);
  });

  test("pushes a text that a conversation keeps, and one may go there", () => {
    const pushes = [];
    chat.on("push", ({ key, seq }) => pushes.push([key, seq]));
    line().welcomes({});
    line().says({ type: "event", name: "push", data: { content: "Hello", uid: "site", seq: 3, mid: "x" } });
    line().says({ type: "event", name: "push", data: { content: "Hello", gid: "lobby", seq: 4, mid: "y" } });
    assert.deepEqual(pushes, [["p:site", 3], ["g:lobby", 4]]);
  });

  test("that pushes what has no text disturbs nobody", () => {
    const pushes = [];
    chat.on("push", (push) => pushes.push(push));
    line().welcomes({});
    for (const data of [null, undefined, 7, [], {}, { content: 7 }, { content: "  " }, ""]) {
      line().says({ type: "event", name: "push", data });
    }
    assert.deepEqual(pushes, []);
  });

  test("says what it likes to its own scripts", () => {
    const heard = [];
    chat.on("push", () => assert.fail("that is not for the eye"));
    chat.on("site", (...event) => heard.push(event));
    line().welcomes({});
    line().says({ type: "event", name: "cart.changed", data: { items: 3 } });
    assert.deepEqual(heard, [["cart.changed", { items: 3 }]]);
  });

  test("that runs another version after a restart asks for a reload", async () => {
    line().welcomes({});
    assert.equal(chat.outdated, false);
    line().hangsUp(1012);
    await clock.pass(1);
    line().accepts();
    line().says({ type: "hello", client_id: 1, version: "2", limits: {}, ping: 25 });
    assert.equal(chat.outdated, true);
  });
});
