// The people this page has heard of: name, picture and presence.

const STRANGER = { online: false, away: false, seen: null, avatar: null };

export class People {
  /** Grows with every picture, so that a view knows when to look again. */
  pictures = 0;
  /** What we know of presence is of now: not while there is no connection. */
  live = true;
  #byUid = new Map();

  /**
   * Takes what a frame tells about somebody; what it leaves out stays as it was. Only `online` tells of
   * presence: `away` goes with it and is false where it is left out, `seen` (ms) is when they were last here.
   * `avatar` is the address of a picture, null for none.
   */
  see({ uid, name, online, away = false, seen, avatar }) {
    const known = this.#known(uid);
    const picture = avatar === undefined ? known.avatar : avatar;
    if (picture !== known.avatar) this.pictures++;
    const presence = online === undefined ? known : { online, away: online && away, seen: seen ?? known.seen };
    const { online: here, away: gone, seen: last } = presence;
    this.#byUid.set(uid, { uid, name: name ?? known.name, online: here, away: gone, seen: last, avatar: picture });
  }

  /** `stale` is there, and true, while nobody knows how somebody stands. */
  get(uid) {
    const person = this.#known(uid);
    return this.live ? person : { ...person, stale: true };
  }

  all() {
    return [...this.#byUid.keys()].map((uid) => this.get(uid));
  }

  #known(uid) {
    return this.#byUid.get(uid) ?? { uid, name: uid, ...STRANGER };
  }
}

/** Who is here stands first, then who is away from the desk, then everybody else; each by name. */
export function byPresence(a, b) {
  return rank(b) - rank(a) || a.name.localeCompare(b.name);
}

const rank = ({ online, away }) => (online ? 2 - Number(away) : 0);
