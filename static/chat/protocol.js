// The wire, version 1: what frames and close codes mean. chat.js and what it is made of call frames by their names,
// client.js and its transports those that make a connection; pages and views speak of conversations, which have one
// key: "g:lobby" is a room, "p:9" a private talk with the person 9. The same keys stand in the `resume` of a login.

/** The types of all frames, so that nobody takes one for a name of the site's own. */
export const FRAME_TYPES = new Set([
  "login", "group", "groupPm", "pm", "join", "leave", "create", "invite", "rooms", "history", "members", "typing",
  "read", "away", "edit", "delete", "react", "event", "ping", "pong", "hello", "ack", "error", "gap", "presence",
  "online", "room", "drain",
]);

export const roomKey = (gid) => `g:${gid}`;
export const directKey = (uid) => `p:${uid}`;
export const isRoom = (key) => key.startsWith("g:");
export const isKey = (text) => /^[gp]:./.test(text);
export const idOf = (key) => key.slice(2);

/** The fields that address a conversation in a request. */
export function address(key) {
  return isRoom(key) ? { gid: idOf(key) } : { uid: idOf(key) };
}

/** Which conversation a frame belongs to, seen by `me`: a private one is named after the other side. */
export function conversationOf(frame, me) {
  if (frame.gid !== undefined) return roomKey(frame.gid);
  return directKey(frame.uid === me && frame.to !== undefined ? frame.to : frame.uid);
}

const isMessage = (frame) => frame.type === "groupPm" || frame.type === "pm";

/** A `groupPm` or `pm` as the timeline wants it. An `id` only means something to the one who chose it. */
export function messageOf(frame, me) {
  const mine = frame.uid === me;
  return {
    seq: frame.seq,
    id: mine ? frame.id : undefined,
    uid: frame.uid,
    name: frame.name,
    content: frame.content,
    ts: frame.ts,
    mine,
  };
}

/** What a push says: a text, the conversation that keeps it as its number `seq` if it is stored, or null for nothing. */
export function pushOf(data) {
  const content = data?.content ?? data;
  if (typeof content !== "string" || !content.trim()) return null;
  const stored = Number.isInteger(data.seq);
  return { content, key: stored ? conversationOf(data) : null, seq: stored ? data.seq : null };
}

/** What one entry of a login's `groups` or `peers` says about a conversation. */
export function entryOf(entry) {
  const room = entry.gid !== undefined;
  return {
    key: room ? roomKey(entry.gid) : directKey(entry.uid),
    title: entry.name,
    seq: entry.seq,
    read: entry.read,
    unread: entry.unread,
    ts: entry.ts,
    private: room && Boolean(entry.private),
    invite: room && entry.invite !== false,
    online: entry.online,
  };
}

/** The type and fields of the request that sends a message. */
export function sendRequest(key, content) {
  return [isRoom(key) ? "group" : "pm", { ...address(key), content }];
}

const HEAVY_LOAD = new Set([1013, 4429]);
const BREATHER = 5_000;

/** What to do after a close: `final` ends it, otherwise come back, but not before `floor` ms. */
export function closeRule(code) {
  if (code === 4401 || code === 4440) return { final: true, why: "session" };
  if (code === 4403) return { final: true, why: "forbidden" };
  if ((code >= 4400 && code <= 4407) || (code >= 4440 && code <= 4499)) return { final: true, why: "refused" };
  return { final: false, floor: HEAVY_LOAD.has(code) ? BREATHER : 0 };
}

/** How far each conversation has been received, so that a new connection can ask for the rest. */
export class Cursor {
  epoch = null;
  seqs = {};

  resume() {
    return this.epoch === null ? undefined : { epoch: this.epoch, seqs: { ...this.seqs } };
  }

  /** Whether this is a message that we have: it came by another transport, or in an answer that was repeated. */
  has(frame, me) {
    return isMessage(frame) && frame.seq <= (this.seqs[conversationOf(frame, me)] ?? 0);
  }

  follow(frame, me) {
    if (frame.type === "login") this.#begin(frame);
    else if (frame.type === "gap") this.#skip(conversationOf(frame, me), frame);
    else if (isMessage(frame)) this.reach(conversationOf(frame, me), frame.seq);
    else if (frame.type === "leave" && frame.uid === me) delete this.seqs[roomKey(frame.gid)];
    else if (frame.room?.gid !== undefined) this.reach(roomKey(frame.room.gid), frame.room.seq);
  }

  reach(key, seq) {
    this.seqs[key] = Math.max(this.seqs[key] ?? 0, seq);
  }

  // A history that is shorter than what we had counts from its end.
  #skip(key, { after, seq }) {
    if (seq < after) this.seqs[key] = seq;
    else this.reach(key, seq);
  }

  // The numbers in a login are the newest of all. They count only where nothing is about to be
  // replayed: if the link breaks in the middle of a replay, the next one has to start from there.
  #begin({ epoch, groups, peers }) {
    const fresh = epoch !== this.epoch;
    if (fresh) Object.assign(this, { epoch, seqs: {} });
    for (const entry of fresh ? [...groups, ...peers] : groups) {
      const { key, seq } = entryOf(entry);
      this.seqs[key] ??= seq;
    }
  }
}
