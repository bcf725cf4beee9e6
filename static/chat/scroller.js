// Keeps the reader's place in the timeline: at the end if that is where they are, else at the
// message they look at, whatever is put in above or below. The browser's own anchoring is switched
// off in the style sheet, since Safari lacked it for long and two of them would fight.

const AT_END = 40; // px of slack before "at the end" no longer holds
const AHEAD = 600; // holes are filled before they come into view

export class Scroller {
  /** The reader is at the end and wants to stay there. */
  stuck = true;
  #box; #list; #onMove; #onHole;
  #shown = null; // what is shown, to notice a change
  #arriving = true; // the first messages are still to come
  #anchor = null;
  #size = ""; // of the box, when the place in it was last put right
  #observer = new ResizeObserver(() => this.#settle());

  constructor({ onMove, onHole }) {
    this.#onMove = onMove;
    this.#onHole = onHole;
  }

  /** The elements exist from the first drawing on; called after each. */
  attach(box) {
    if (this.#box === box) return;
    this.#box = box;
    this.#list = box?.firstElementChild;
    this.#observer.disconnect();
    if (!box) return;
    box.addEventListener("scroll", () => this.#moved(), { passive: true });
    this.#observer.observe(box);
    this.#observer.observe(this.#list);
  }

  /** More than a screen away from the end. */
  get far() {
    return this.#box ? this.#toEnd() > this.#box.clientHeight : false;
  }

  beforeDraw() {
    this.#anchor = this.#box && !this.stuck ? this.#firstVisible() : null;
  }

  afterDraw(shown) {
    if (!this.#box) return;
    if (shown !== this.#shown) this.#begin(shown);
    if (this.#arriving) this.#arrive();
    this.#settle();
    this.#look();
  }

  toEnd() {
    this.stuck = true;
    this.#settle();
  }

  /** The reader comes back to what is shown: as if it had just been entered. */
  comeBack() {
    this.#begin(this.#shown);
  }

  toDivider() {
    const divider = this.#list?.querySelector(".divider");
    if (!divider) return false;
    this.stuck = false;
    this.#box.scrollTop += divider.getBoundingClientRect().top - this.#box.getBoundingClientRect().top - this.#box.clientHeight / 4;
    return true;
  }

  /** The "New messages" line is on the screen, or further down. */
  get reachedDivider() {
    const divider = this.#list?.querySelector(".divider");
    return Boolean(divider) && divider.getBoundingClientRect().bottom > this.#box.getBoundingClientRect().top;
  }

  /** The newest number on the screen, 0 if there is none. */
  newestVisible() {
    if (!this.#box) return 0;
    const { bottom } = this.#box.getBoundingClientRect();
    const messages = this.#list.querySelectorAll("[data-seq]");
    for (let at = messages.length - 1; at >= 0; at--) {
      if (messages[at].getBoundingClientRect().top < bottom) return Number(messages[at].dataset.seq);
    }
    return 0;
  }

  #begin(shown) {
    this.#shown = shown;
    this.#arriving = true;
    this.stuck = true;
    this.#anchor = null;
  }

  // A reader who comes back begins at the "New messages" line, if it would be out of sight at the end.
  #arrive() {
    this.toEnd();
    if (this.#holesWithin(0).length) return;
    this.#arriving = false;
    if (!this.reachedDivider) this.toDivider();
  }

  #settle() {
    if (!this.#box) return;
    this.#size = this.#measure();
    if (this.stuck) this.#box.scrollTop = this.#box.scrollHeight;
    else if (this.#anchor?.row.isConnected) this.#box.scrollTop += this.#anchor.row.getBoundingClientRect().top - this.#anchor.top;
    this.#anchor = null;
  }

  #moved() {
    // A phone that was turned moves the text as well; the reader did nothing.
    if (this.#size !== this.#measure()) return this.#settle();
    this.stuck = this.#toEnd() < AT_END;
    if (!this.stuck) this.#arriving = false;
    this.#look();
    this.#onMove();
  }

  #look() {
    for (const hole of this.#holesWithin(AHEAD)) this.#onHole(Number(hole.dataset.hole));
  }

  #holesWithin(margin) {
    const { top, bottom } = this.#box.getBoundingClientRect();
    return [...this.#list.querySelectorAll("[data-hole]")].filter((hole) => {
      const place = hole.getBoundingClientRect();
      return place.bottom > top - margin && place.top < bottom + margin;
    });
  }

  #measure() {
    return `${this.#box.clientWidth} ${this.#box.clientHeight}`;
  }

  #toEnd() {
    return this.#box.scrollHeight - this.#box.scrollTop - this.#box.clientHeight;
  }

  #firstVisible() {
    const { top } = this.#box.getBoundingClientRect();
    for (const row of this.#list.querySelectorAll("[data-seq]")) {
      const place = row.getBoundingClientRect();
      if (place.bottom > top) return { row, top: place.top };
    }
    return null;
  }
}
