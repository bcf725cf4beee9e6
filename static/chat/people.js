// The people this page has heard of: name, picture and presence.

const STRANGER = { online: false, away: false, seen: null, avatar: null };

export class People {
  /** Grows with every picture, so that a view knows when to look again. */
  pictures = 0;
  #byUid = new Map();

  /**
   * Takes what a frame tells about somebody; what it leaves out stays as it was. Only `online` tells of
   * presence: `away` goes with it and is false where it is left out, `seen` (ms) is when they were last here.
   * `avatar` is the address of a picture, null for none.
   */
  see({ uid, name, online, away = false, seen, avatar }) {
    const known = this.get(uid);
    const picture = avatar === undefined ? known.avatar : avatar;
    if (picture !== known.avatar) this.pictures++;
    const presence = online === undefined ? known : { online, away: online && away, seen: seen ?? known.seen };
    const { online: here, away: gone, seen: last } = presence;
    this.#byUid.set(uid, { uid, name: name ?? known.name, online: here, away: gone, seen: last, avatar: picture });
  }

  get(uid) {
    return this.#byUid.get(uid) ?? { uid, name: uid, ...STRANGER };
  }

  all() {
    return [...this.#byUid.values()];
  }
}

/** Who is here stands first, then who is away from the desk, then everybody else; each by name. */
export function byPresence(a, b) {
  return rank(b) - rank(a) || a.name.localeCompare(b.name);
}

const rank = ({ online, away }) => (online ? 2 - Number(away) : 0);
