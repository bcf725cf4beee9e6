// The chat of one person, without a page: conversations, people and unsent messages, kept up to
// date by the frames of a client. Tells "change" after anything changed, "message" (conversation,
// message) for a new one of somebody else, "mine" when an own one was written, "unsent" (message) when one
// could not go, "push" ({ content, key, seq }) for a text of the site, and "site" (name, data) for its other events.

import { Conversation } from "./conversation.js";
import { Delivery } from "./delivery.js";
import { History } from "./history.js";
import { Listeners } from "./listeners.js";
import { Mutes } from "./mutes.js";
import { People } from "./people.js";
import { address, conversationOf, directKey, entryOf, messageOf, pushOf, roomKey } from "./protocol.js";
import { TypingSpeaker } from "./typing.js";

const ROOMS_ASKED = 20;

export class Chat extends Listeners {
  conversations = new Map();
  people = new People();
  current = null;
  online = null;
  welcome = null;
  /** The person looks at the end of the current conversation right now. */
  watched = false;
  /** The conversations of this login are known. */
  ready = false;
  /** The server was replaced by another version while this page stood open. */
  outdated = false;

  #epoch = null; #version = null; #clock; #local; #delivery;
  #changed = () => this.tell("change");

  constructor({ client, me, local, session, clock }) {
    super();
    Object.assign(this, { client, me });
    this.#clock = clock;
    this.#local = local;
    this.mutes = new Mutes(local);
    this.history = new History({ client, read: (frames) => this.#messages(frames), changed: this.#changed });
    this.#delivery = new Delivery(this, { store: session, clock });
    this.outbox = this.#delivery.outbox;
    this.speaker = new TypingSpeaker(clock, () => client.send("typing", address(this.current.key)));
    this.#listenToClient();
  }

  get rooms() {
    return this.#sorted((conversation) => conversation.isRoom);
  }

  get directs() {
    return this.#sorted((conversation) => !conversation.isRoom);
  }

  /** What calls for somebody: in all conversations that are not muted. */
  get totalUnread() {
    return [...this.conversations.values()].filter(({ key }) => !this.mutes.has(key))
      .reduce((sum, conversation) => sum + this.unreadOf(conversation), 0);
  }

  /** What a badge says: what arrives before one's eyes is not unread, though it is marked a moment later. */
  unreadOf(conversation) {
    return this.watched && conversation === this.current ? 0 : conversation.unread;
  }

  // Conversations

  open(key) {
    const conversation = this.conversations.get(key) ?? null;
    if (conversation === this.current) return;
    this.current?.left();
    this.current = conversation;
    conversation?.entered();
    if (conversation?.isRoom) this.loadMembers(conversation);
    if (conversation) this.mend(conversation);
    this.#changed();
  }

  /** Whether we still belong to it; one that was left and entered again is another. */
  has(conversation) {
    return this.conversations.get(conversation.key) === conversation;
  }

  /** Fetches what a conversation lacks if somebody looks at it; the others wait until they are opened. */
  mend(conversation) {
    if (conversation === this.current) this.history.mend(conversation);
  }

  /** The private talk with somebody, begun if there is none. */
  direct(uid) {
    const key = directKey(uid);
    if (!this.conversations.has(key)) this.#begin(key, this.people.get(uid).name).unknown();
    return key;
  }

  async join(gid) {
    const { room } = await this.client.request("join", { gid });
    return this.#enter(room);
  }

  async create(name, isPrivate) {
    const { room } = await this.client.request("create", { name, private: isPrivate });
    return this.#enter(room);
  }

  async leave({ key }) {
    await this.client.request("leave", address(key));
    this.#forget(key);
  }

  invite({ key }, uid) {
    return this.client.request("invite", { ...address(key), uid });
  }

  async publicRooms() {
    return (await this.client.request("rooms")).rooms;
  }

  async loadMembers(conversation) {
    const { members } = await this.client.request("members", address(conversation.key)).catch(() => ({}));
    if (!members) return;
    members.forEach((member) => this.people.see({ avatar: null, ...member }));
    conversation.members = new Set(members.map(({ uid }) => uid));
    this.#changed();
  }

  /** Whom one may write to or invite: the members of our rooms. */
  async loadEverybody() {
    for (const room of this.rooms.slice(0, ROOMS_ASKED)) if (!room.members) await this.loadMembers(room);
  }

  // Messages

  send(content) {
    const { key } = this.current;
    this.setDraft(key, "");
    this.speaker.sent();
    this.outbox.add(key, content);
    this.tell("mine");
  }

  retry(id) {
    this.client.wake();
    this.outbox.retry(id);
  }

  markRead(conversation, seq) {
    if (!conversation.readTo(seq)) return;
    this.client.send("read", { ...address(conversation.key), seq });
    this.#changed();
  }

  markAllRead() {
    for (const conversation of this.conversations.values()) this.markRead(conversation, conversation.seq);
  }

  draft(key) {
    return this.#local.get(`draft:${key}`) ?? "";
  }

  setDraft(key, text) {
    this.#local.set(`draft:${key}`, text || null);
    this.#changed();
  }

  // Inside

  #listenToClient() {
    const reactions = {
      state: (state) => { this.people.live = state === "open"; },
      hello: (frame) => this.#hello(frame),
      login: (frame) => this.#login(frame),
      groupPm: (frame) => this.#message(frame),
      pm: (frame) => this.#message(frame),
      gap: (frame) => this.#gap(frame),
      join: (frame) => this.#joined(frame),
      leave: (frame) => this.#left(frame),
      room: (frame) => this.#renamed(frame),
      read: (frame) => this.#read(frame),
      typing: (frame) => this.#of(frame)?.typing.started(frame),
      presence: (frame) => this.people.see(frame),
      online: ({ users, connections }) => { this.online = { users, connections }; },
      event: (frame) => this.#event(frame),
    };
    for (const [type, react] of Object.entries(reactions)) {
      this.client.on(type, (frame) => { react(frame); this.#changed(); });
    }
  }

  #event({ name, data }) {
    if (name !== "push") return this.tell("site", name, data);
    const push = pushOf(data);
    if (push) this.tell("push", push);
  }

  #hello({ version, welcome }) {
    this.outdated ||= this.#version !== null && this.#version !== version;
    this.#version = version;
    this.welcome ??= welcome ?? null;
  }

  #login({ uid, name, avatar = null, epoch, groups, peers, online }) {
    this.people.see({ uid, name, avatar });
    if (epoch !== this.#epoch) this.conversations.forEach((conversation) => conversation.reset());
    this.#epoch = epoch;
    this.online = online ?? this.online;
    const here = new Set(groups.map(({ gid }) => roomKey(gid)));
    for (const { key, isRoom } of this.conversations.values()) if (isRoom && !here.has(key)) this.#forget(key);
    for (const entry of [...groups, ...peers]) this.#enter(entry);
    this.#delivery.resume();
    if (this.current) this.mend(this.current);
    if (this.current?.isRoom) this.loadMembers(this.current);
    // Soon, not now: the conversation that is opened first has its turn before the others.
    if (!this.ready) this.#clock.setTimeout(() => this.history.previews([...this.rooms, ...this.directs]), 0);
    this.ready = true;
  }

  #enter(entry) {
    const known = entryOf(entry);
    const conversation = this.conversations.get(known.key) ?? this.#begin(known.key, known.title);
    const { ahead } = conversation.update(known);
    if (ahead) this.client.send("read", { ...address(known.key), seq: conversation.read });
    if (entry.uid !== undefined) this.people.see({ avatar: null, ...entry });
    return known.key;
  }

  #begin(key, title) {
    const conversation = new Conversation(key, { clock: this.#clock, changed: this.#changed });
    conversation.title = title;
    this.conversations.set(key, conversation);
    this.#delivery.show(conversation);
    return conversation;
  }

  // The server has less than we: an old backup was put back. What we did not send is still ours.
  #startOver(conversation) {
    conversation.empty();
    this.#delivery.show(conversation);
  }

  #forget(key) {
    if (this.current?.key === key) this.current = null;
    this.conversations.delete(key);
    this.#changed();
  }

  #message(frame) {
    const message = this.#messages([frame])[0];
    const conversation = this.#of(frame) ?? this.#meet(frame);
    const open = conversation === this.current;
    const watched = open && this.watched;
    const fresh = conversation.receive(message, { watched });
    if (watched || !open) conversation.tidy();
    this.mend(conversation);
    if (fresh && !message.mine) this.tell("message", conversation, message);
  }

  // A first private message from somebody, or from another page of ours to somebody.
  #meet(frame) {
    const key = conversationOf(frame, this.me.uid);
    return this.#begin(key, frame.uid === this.me.uid ? this.people.get(frame.to).name : frame.name);
  }

  #gap(frame) {
    const conversation = this.#of(frame);
    if (!conversation) return;
    if (frame.seq < frame.after) this.#startOver(conversation);
    conversation.timeline.expect(frame.seq);
    this.mend(conversation);
  }

  #joined(frame) {
    this.people.see(frame);
    const conversation = this.#of(frame);
    // Somebody invited us, or another page of ours joined: a new login tells all about the room.
    if (!conversation && frame.uid === this.me.uid) this.client.send("login", { content: "login" });
    conversation?.members?.add(frame.uid);
    conversation?.timeline.notice({ name: frame.name, joined: true, ts: this.#clock.now() });
  }

  #left(frame) {
    if (frame.uid === this.me.uid) return this.#forget(roomKey(frame.gid));
    const conversation = this.#of(frame);
    conversation?.members?.delete(frame.uid);
    conversation?.timeline.notice({ name: frame.name, joined: false, ts: this.#clock.now() });
  }

  #renamed(frame) {
    const conversation = this.#of(frame);
    if (conversation) Object.assign(conversation, { title: frame.name, private: frame.private });
  }

  #read(frame) {
    const conversation = this.#of(frame);
    if (!conversation) return;
    if (frame.uid === this.me.uid) conversation.readTo(frame.seq);
    else conversation.peerRead = Math.max(conversation.peerRead, frame.seq);
  }

  #of(frame) {
    return this.conversations.get(conversationOf(frame, this.me.uid));
  }

  #messages(frames) {
    frames.forEach(({ uid, name }) => this.people.see({ uid, name }));
    return frames.map((frame) => messageOf(frame, this.me.uid));
  }

  #sorted(wanted) {
    return [...this.conversations.values()].filter(wanted)
      .sort((a, b) => b.ts - a.ts || a.title.localeCompare(b.title));
  }
}
