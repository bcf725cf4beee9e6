// The people this page has heard of: name and presence.

export class People {
  #byUid = new Map();

  /** Takes what a frame tells about somebody; what it leaves out stays as it was. */
  see({ uid, name, online }) {
    const known = this.#byUid.get(uid) ?? { uid, name: uid, online: false };
    this.#byUid.set(uid, { uid, name: name ?? known.name, online: online ?? known.online });
  }

  get(uid) {
    return this.#byUid.get(uid) ?? { uid, name: uid, online: false };
  }

  all() {
    return [...this.#byUid.values()];
  }
}
