// What the site pushed to this person, until they close it.

const MOST = 3;

export class Toasts {
  /** The newest last: { id, content, key, seen }; `key` names the conversation it stands in, if any. */
  list = [];
  #next = 1;

  add({ content, key = null }, { seen }) {
    this.list = [...this.list, { id: this.#next++, content, key, seen }].slice(-MOST);
  }

  close(id) {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  /** Somebody looks; true if there was something new to see. */
  look() {
    const fresh = this.list.some(({ seen }) => !seen);
    if (fresh) this.list = this.list.map((toast) => ({ ...toast, seen: true }));
    return fresh;
  }

  /** What nobody looked at yet. Those with a conversation are counted there. */
  get unseen() {
    return this.list.filter(({ seen, key }) => !seen && !key).length;
  }
}
