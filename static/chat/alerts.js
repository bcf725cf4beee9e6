// One tab speaks for all. Every tab of a person hears the same news, so each says to the others what it could
// do about it, listens for a moment, and then all of them come to the same result:
//
//   - it stands before somebody's eyes in one of the tabs: silence
//   - of those that may make a sound, the one with the smallest name does
//   - of those that may notify, the one with the smallest name does, unless one of the tabs is in use
//
// A tab that hears the news too late has heard that another one `did` what was to be done. Nothing is kept, so
// nothing is left over by a tab that was closed or that crashed.

import { newId } from "./ids.js";

const LISTEN = 200;
const FORGET = 3_000; // by then every tab has heard the news; the same words are news again

export class Alerts {
  #clock; #channel; #act; #tab;
  #rounds = new Map(); // what the news is → { bids: tab → bid, news, did: what other tabs did }

  /** `channel` is a BroadcastChannel, or null where the browser has none; `act` is { sound(), notify(news) }. */
  constructor({ clock, channel, act, tab = newId() }) {
    this.#clock = clock;
    this.#channel = channel;
    this.#act = act;
    this.#tab = tab;
    if (channel) channel.onmessage = ({ data }) => this.#heard(data);
  }

  /**
   * There is news, named `key` alike in all tabs. The bid: `seen`, it is before somebody's eyes here; `focused`, this
   * tab is in use; `sound` and `notify`, what it could do.
   */
  raise(key, bid, news) {
    const round = this.#round(key);
    if (round.news) return;
    round.news = news;
    round.bids.set(this.#tab, bid);
    this.#say({ key, bid });
    this.#clock.setTimeout(() => this.#decide(key, round), LISTEN);
  }

  #decide(key, round) {
    const all = [...round.bids.values()];
    if (all.some(({ seen }) => seen)) return;
    if (this.#mine(round, "sound")) this.#do(key, "sound");
    if (this.#mine(round, "notify") && !all.some(({ focused }) => focused)) this.#do(key, "notify", round.news);
  }

  #mine({ bids, did }, what) {
    const able = [...bids].filter(([, bid]) => bid[what]).map(([tab]) => tab);
    return !did.has(what) && able.sort()[0] === this.#tab;
  }

  #do(key, what, ...news) {
    this.#act[what](...news);
    this.#say({ key, did: what });
  }

  #heard({ tab, key, bid, did }) {
    const round = this.#round(key);
    if (bid) round.bids.set(tab, bid);
    if (did) round.did.add(did);
  }

  #round(key) {
    if (!this.#rounds.has(key)) {
      this.#rounds.set(key, { bids: new Map(), news: null, did: new Set() });
      this.#clock.setTimeout(() => this.#rounds.delete(key), FORGET);
    }
    return this.#rounds.get(key);
  }

  #say(what) {
    this.#channel?.postMessage({ tab: this.#tab, ...what });
  }
}
