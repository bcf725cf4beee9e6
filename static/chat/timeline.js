// One conversation as the page knows it: a list of messages by number, with holes where something
// was not fetched, and behind it the own ones that are still on their way. No DOM, no clock.
//
// A hole is { after, before }: the messages between these two numbers are missing. What is older
// than the first loaded page is a hole like any other, so scrolling up, a `gap` after a long
// absence and the first look at a room are all the same: fill the hole that came into view.

const GROUP_WITHIN = 5 * 60_000;

const dayOf = (ts) => new Date(ts).toDateString();

export class Timeline {
  /** The stored messages, ascending by `seq`. */
  messages = [];
  /** The own messages that have no number yet: { id, content, ts, state: "pending" | "failed", error }. */
  pending = [];
  /** The newest number that exists; null as long as nobody told. */
  newest;
  /** The "New messages" line stands after this number. */
  dividerAfter = null;
  /** Grows with every change, so that a view knows when to look again. */
  version = 0;

  #notices = []; // { after, ts, people: Map(name → joined) }
  #seqs = new Set();
  #ownIds = new Set();
  #noneBefore = new Set(); // numbers of which the server said that nothing older is left

  constructor(newest = 0) {
    this.newest = newest;
  }

  get last() {
    return this.messages.at(-1) ?? null;
  }

  get empty() {
    return this.newest === 0 && this.pending.length === 0;
  }

  /** There is at least this number. */
  expect(seq) {
    if (seq <= (this.newest ?? -1)) return;
    this.newest = seq;
    this.version++;
  }

  /** Takes stored messages in any order and returns those that it had not yet. */
  add(messages) {
    const fresh = messages.filter(({ seq }) => !this.#seqs.has(seq) && this.#seqs.add(seq));
    if (!fresh.length) return fresh;
    for (const { id } of fresh) if (id) this.#stored(id);
    const inOrder = fresh.every(({ seq }, at) => seq > (at ? fresh[at - 1].seq : this.last?.seq ?? 0));
    this.messages.push(...fresh);
    if (!inOrder) this.messages.sort((a, b) => a.seq - b.seq);
    this.expect(this.last.seq);
    this.version++;
    return fresh;
  }

  /** Puts a page of history where it belongs: it was asked with `before` and says if there is `more`. */
  fill(before, page, more) {
    const fresh = this.add(page);
    const oldest = Math.min(before, ...page.map(({ seq }) => seq));
    if (!more) this.#noneBefore.add(oldest);
    // The server has nothing for a hole: it is none. (One that was closed meanwhile needs no mark.)
    if (!fresh.length && this.holes().some((hole) => hole.before === before)) this.#noneBefore.add(before);
    this.newest ??= 0;
    this.version++;
    return fresh;
  }

  /** An own message that is on its way, or could not go; known by the `id` that its sender chose. */
  own(message) {
    if (this.#ownIds.has(message.id)) return;
    const at = this.pending.findIndex(({ id }) => id === message.id);
    this.pending.splice(at < 0 ? this.pending.length : at, at < 0 ? 0 : 1, { ...message, mine: true });
    this.version++;
  }

  /** The server stored it under this number, perhaps with other words. */
  sent(id, { seq, ts, content }) {
    const message = this.pending.find((one) => one.id === id);
    if (!message) return;
    this.forget(id);
    this.add([{ ...message, seq, ts, content: content ?? message.content, state: undefined }]);
  }

  forget(id) {
    this.pending = this.pending.filter((message) => message.id !== id);
    this.version++;
  }

  /** Somebody came or went. Comings and goings at the same place become one line. */
  notice({ name, joined, ts }) {
    const after = this.last?.seq ?? 0;
    const latest = this.#notices.at(-1);
    if (latest?.after === after) latest.people.set(name, joined);
    else this.#notices.push({ after, ts, people: new Map([[name, joined]]) });
    this.version++;
  }

  /** Puts the "New messages" line after a number, or takes it away (null). */
  divide(after) {
    this.dividerAfter = after;
    this.version++;
  }

  /** Keeps the newest messages only; the rest becomes a hole again. */
  trim(count) {
    if (this.messages.length <= count) return;
    this.messages = this.messages.slice(-count);
    this.#seqs = new Set(this.messages.map(({ seq }) => seq));
    this.#notices = this.#notices.filter(({ after }) => after >= this.messages[0].seq);
    this.version++;
  }

  holes() {
    const holes = [];
    let after = 0;
    for (const { seq } of this.messages) {
      if (seq > after + 1 && !this.#noneBefore.has(seq)) holes.push({ after, before: seq });
      after = seq;
    }
    const end = this.newest === null ? Infinity : this.newest + 1;
    if (end > after + 1 && !this.#noneBefore.has(end)) holes.push({ after, before: end });
    return holes;
  }

  countUnread(read) {
    return this.messages.filter(({ seq, mine }) => seq > read && !mine).length;
  }

  /**
   * What stands on the page, from top to bottom: rows of the kinds "hole", "day", "divider", "notice"
   * and "message". A row's `key` stays the same as long as it is the same thing.
   */
  rows() {
    const writer = new RowWriter(this);
    const holes = new Map(this.holes().map((hole) => [hole.before, hole]));
    const notices = [...this.#notices];
    for (const message of this.messages) {
      while (notices[0]?.after < message.seq) writer.notice(notices.shift());
      writer.hole(holes.get(message.seq));
      writer.message(message);
      holes.delete(message.seq);
    }
    for (const hole of holes.values()) writer.hole(hole);
    for (const notice of notices) writer.notice(notice);
    for (const message of this.pending) writer.message(message);
    return writer.rows;
  }

  #stored(id) {
    this.#ownIds.add(id);
    this.pending = this.pending.filter((message) => message.id !== id);
  }
}

class RowWriter {
  rows = [];
  #timeline;
  #day = null;
  #head = null; // the message that began the group being written
  #divided;

  constructor(timeline) {
    this.#timeline = timeline;
    this.#divided = timeline.dividerAfter === null;
  }

  hole(hole) {
    if (!hole) return;
    this.#write({ kind: "hole", key: `hole-${hole.before}`, ...hole });
    // The first unread message is not loaded: as yet there is no place for the line.
    if (hole.before > this.#timeline.dividerAfter + 1) this.#divided = true;
  }

  notice({ after, ts, people }) {
    this.#write({ kind: "notice", key: `notice-${after}`, ts, people });
  }

  message(message) {
    const day = dayOf(message.ts);
    if (day !== this.#day) this.#write({ kind: "day", key: `day-${day}`, ts: message.ts });
    this.#day = day;
    if (this.#startsUnread(message)) {
      this.#write({ kind: "divider", key: "divider" });
      this.#divided = true;
    }
    const head = this.#head?.uid !== message.uid || message.ts - this.#head.ts >= GROUP_WITHIN;
    const key = message.id ? `own-${message.id}` : `seq-${message.seq}`;
    this.rows.push({ kind: "message", key, message, head });
    if (head) this.#head = message;
  }

  #startsUnread({ seq, mine }) {
    return !this.#divided && !mine && seq > this.#timeline.dividerAfter;
  }

  // Whatever stands between two messages ends the group of their author.
  #write(row) {
    this.rows.push(row);
    this.#head = null;
  }
}
