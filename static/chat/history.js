// Fetches what the timelines miss.

import { address } from "./protocol.js";

const PAGE = 50;
const PREVIEWS = 12;
// What is fetched at one go after an absence; whoever missed more gets the rest by scrolling.
const MEND_PAGE = 100;
const MEND_PAGES = 5;

export class History {
  #client; #read; #changed;

  /** `read(frames)` makes messages of frames; `changed()` is called when there is something new to see. */
  constructor({ client, read, changed }) {
    this.#client = client;
    this.#read = read;
    this.#changed = changed;
  }

  /** A hole came into view. What failed once is asked for again on demand only, or over a new connection. */
  see(conversation, before) {
    if (!conversation.filling.has(before)) this.fill(conversation, before);
  }

  /** The page that ends where a hole does. */
  async fill(conversation, before, limit = PAGE) {
    const { filling, timeline } = conversation;
    if (this.#client.state !== "open" || filling.get(before) === "loading") return;
    filling.set(before, "loading");
    this.#touch(timeline);
    try {
      const { messages, more } = await this.#ask(conversation, { limit, before: Number.isFinite(before) ? before : undefined });
      timeline.fill(before, this.#read(messages), more);
      filling.delete(before);
    } catch ({ code }) {
      // What failed for want of a connection is asked again with the next one, without being told to.
      if (code === "offline") filling.delete(before);
      else filling.set(before, "failed");
    }
    this.#touch(timeline);
  }

  /** What came during an absence, from the end, while one reads on. Older holes wait until they come into view. */
  async mend(conversation) {
    for (let page = 0; page < MEND_PAGES; page++) {
      const hole = conversation.timeline.holes().filter(({ after }) => after > 0).at(-1);
      if (!hole || this.#client.state !== "open" || conversation.filling.has(hole.before)) return;
      await this.fill(conversation, hole.before, MEND_PAGE);
    }
  }

  /** The messages behind the "New messages" line, however far up they are. */
  async unread(conversation) {
    const { messages } = await this.#ask(conversation, { after: conversation.timeline.dividerAfter });
    conversation.timeline.add(this.#read(messages));
    this.#changed();
  }

  /** The last lines for the list, one request after the other: nobody waits for them. Unread ones are looked at first. */
  async previews(conversations) {
    for (const conversation of [...conversations].sort(byInterest).slice(0, PREVIEWS)) {
      if (!conversation.seq || conversation.timeline.last || conversation.filling.size) continue;
      const { messages } = await this.#ask(conversation, { limit: 1 }).catch(() => ({ messages: [] }));
      conversation.timeline.add(this.#read(messages));
      this.#changed();
    }
  }

  #ask({ key }, fields) {
    return this.#client.request("history", { limit: PAGE, ...address(key), ...fields });
  }

  #touch(timeline) {
    timeline.version++;
    this.#changed();
  }
}

const byInterest = (a, b) => Boolean(b.unread) - Boolean(a.unread) || b.ts - a.ts;
