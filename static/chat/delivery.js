// Own messages on their way: out of the outbox, over the connection, into the timelines.

import { Outbox } from "./outbox.js";
import { idOf, isRoom, sendRequest } from "./protocol.js";

// The outbox says after five seconds that a message was not sent; an answer is of use even later.
const LATEST_ANSWER = 60_000;

export class Delivery {
  #chat;

  constructor(chat, { store, clock }) {
    this.#chat = chat;
    this.outbox = new Outbox({ send: (item) => this.#send(item), store, clock });
    const listen = (name, react) => this.outbox.on(name, (item, ack) => {
      react(item, this.#conversationOf(item), ack);
      chat.tell("change");
    });
    listen("changed", (item, conversation) => this.#changed(item, conversation));
    listen("dropped", ({ id }, conversation) => conversation?.timeline.forget(id));
    listen("sent", ({ id }, conversation, ack) => { conversation?.timeline.sent(id, ack); conversation?.wrote(ack); });
    listen("stored", (item, conversation, ack) => this.#storedAfterAll(conversation, ack));
  }

  /** There is a new connection. */
  resume() {
    // A first word to somebody: their talk is known to nobody but us.
    for (const { key } of this.outbox.items) if (!isRoom(key)) this.#chat.direct(idOf(key));
    this.#chat.conversations.forEach((conversation) => this.show(conversation));
    this.outbox.resend();
  }

  /** Puts what was not sent at the end of its conversation. */
  show({ key, timeline }) {
    for (const item of this.outbox.items) if (item.key === key) timeline.own(this.#messageOf(item));
  }

  #send({ id, key, content }) {
    const [type, fields] = sendRequest(key, content);
    return this.#chat.client.request(type, { ...fields, id }, { timeout: LATEST_ANSWER });
  }

  #changed(item, conversation) {
    const message = this.#messageOf(item);
    conversation?.timeline.own(message);
    if (item.state !== "failed") return;
    this.#chat.tell("unsent", message);
    if (!item.error) this.#chat.client.check();
  }

  // Given up here, but the others have it: so it is shown here as well.
  #storedAfterAll(conversation, ack) {
    if (!conversation) return;
    conversation.wrote(ack);
    conversation.timeline.expect(ack.seq);
    this.#chat.mend(conversation);
  }

  #conversationOf({ key }) {
    return this.#chat.conversations.get(key);
  }

  #messageOf({ id, content, ts, state, error }) {
    const { uid, name } = this.#chat.me;
    return { id, content, ts, state, error, uid, name };
  }
}
