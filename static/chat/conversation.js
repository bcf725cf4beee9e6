// One room or private talk: what it is called, what was read, who types, and its timeline.

import { idOf, isRoom } from "./protocol.js";
import { Timeline } from "./timeline.js";
import { TypingTracker } from "./typing.js";

// A page that stands open for weeks in a busy room shall not grow for weeks.
const MOST = 1000;
const KEPT = 100;

export class Conversation {
  title;
  private = false;
  /** May members bring others in? Into rooms of the site they may not, unless it has rules for that. */
  invite = true;
  /** Newest number, how far we read, how far the other side of a private talk did. */
  seq = 0;
  read = 0;
  peerRead = 0;
  unread = 0;
  /** When something was last written, in ms; 0 if never. */
  ts = 0;
  /** The uids of a room's members, once asked for. */
  members = null;
  /** The holes being filled: before → "loading" | "failed". */
  filling = new Map();
  timeline = new Timeline();

  constructor(key, { clock, changed }) {
    this.key = key;
    this.title = this.id;
    this.typing = new TypingTracker(clock, changed);
  }

  get id() {
    return idOf(this.key);
  }

  get isRoom() {
    return isRoom(this.key);
  }

  /** Takes over what a login or a joining says. Our own reading may be ahead of the server's. */
  update({ title, seq, read, unread, ts, private: isPrivate, invite }) {
    const ahead = this.read > read;
    const hadUnread = this.unread > 0;
    Object.assign(this, { title, seq, ts, invite, private: isPrivate, read: Math.min(seq, Math.max(this.read, read)) });
    for (const [before, state] of this.filling) if (state === "failed") this.filling.delete(before);
    this.unread = ahead ? this.#countUnread() : unread;
    if (this.unread && !hadUnread) this.timeline.divide(this.read);
    // With messages at hand, the missing ones follow by themselves, or a `gap` says that they do not.
    if (!this.timeline.messages.length) this.timeline.expect(seq);
    return { ahead };
  }

  /** An own message was stored; its frame may have gone to the other pages only. */
  wrote({ seq, ts }) {
    if (seq > this.seq) this.#advance({ seq, ts, mine: true });
  }

  /** The server lost its history: nothing that we have has a meaning any more. */
  reset() {
    Object.assign(this, { seq: 0, read: 0, peerRead: 0, unread: 0, ts: 0 });
    this.empty();
  }

  empty() {
    this.timeline = new Timeline();
    this.filling.clear();
  }

  /** Nobody told how many messages there are: the first look will. */
  unknown() {
    this.timeline.newest = null;
  }

  receive(message, { watched }) {
    const [fresh] = this.timeline.add([message]);
    this.typing.stopped(message.uid);
    // Who answers has read: the server counts it so for both sides.
    if (!this.isRoom && !message.mine) this.peerRead = Math.max(this.peerRead, message.seq);
    if (message.seq > this.seq) this.#advance(message, watched);
    return Boolean(fresh);
  }

  /** Lets go of old messages; not to be called while somebody reads them. */
  tidy() {
    if (this.timeline.messages.length > MOST) this.timeline.trim(KEPT);
  }

  readTo(seq) {
    if (seq <= this.read) return false;
    this.read = seq;
    this.unread = this.#countUnread();
    return true;
  }

  /** Somebody looks: the line stands where reading stopped. */
  entered() {
    if (this.unread) this.timeline.divide(this.read);
  }

  left() {
    if (!this.unread) this.timeline.divide(null);
    this.timeline.trim(KEPT);
  }

  #advance({ seq, ts, mine }, watched) {
    if (!mine && !this.unread && !watched) this.timeline.divide(this.seq);
    if (!mine) this.unread += seq - this.seq;
    Object.assign(this, { seq, ts });
    if (mine) this.readTo(seq);
  }

  #countUnread() {
    if (this.read >= this.seq) return 0;
    const loaded = this.timeline.holes().every(({ before }) => before <= this.read + 1);
    return loaded ? this.timeline.countUnread(this.read) : this.seq - this.read;
  }
}
