// A short sound, made here: two soft tones. Browsers allow it only after somebody touched the page.

const TONES = [[659.25, 0], [880, 0.12]]; // hertz, and seconds from the start
const LENGTH = 0.45;
const LOUD = 0.12;
const BREATHER = 1_500; // a talkative room is one sound, not a carillon

const wasTouched = () => globalThis.navigator?.userActivation?.hasBeenActive ?? true;

export class Chime {
  #clock; #AudioContext; #touched;
  #context = null;
  #last = -Infinity;

  /** `touched()`: the browser takes what was done on this page for a person's wish. */
  constructor({ clock, AudioContext = globalThis.AudioContext, touched = wasTouched }) {
    this.#clock = clock;
    this.#touched = touched;
    this.#AudioContext = AudioContext;
  }

  get able() {
    return this.#context !== null;
  }

  /** To be called while somebody touches the page: from then on it may sound. Silent, it costs nothing. */
  unlock() {
    if (this.able || !this.#AudioContext || !this.#touched()) return;
    try {
      this.#context = new this.#AudioContext();
      this.#context.suspend().catch(() => {});
    } catch {
      this.#AudioContext = null; // no device, or too many sounds on this page already
    }
  }

  async play() {
    if (!this.able || this.#clock.ticks() - this.#last < BREATHER) return;
    this.#last = this.#clock.ticks();
    const context = this.#context;
    await context.resume().catch(() => {});
    const tones = TONES.map(([pitch, after]) => tone(context, pitch, context.currentTime + after));
    tones.at(-1).onended = () => context.suspend().catch(() => {});
  }
}

function tone(context, pitch, start) {
  const oscillator = context.createOscillator();
  const volume = context.createGain();
  oscillator.frequency.value = pitch;
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(LOUD, start + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, start + LENGTH);
  oscillator.connect(volume).connect(context.destination);
  oscillator.start(start);
  oscillator.stop(start + LENGTH);
  return oscillator;
}

/** Unlocks at the first touch of the page that counts: neither Escape does, nor the beginning of a swipe. */
export function unlockByTouch(chime) {
  const names = ["pointerup", "keydown"];
  const touched = () => {
    chime.unlock();
    if (chime.able) for (const name of names) removeEventListener(name, touched, { capture: true });
  };
  for (const name of names) addEventListener(name, touched, { capture: true });
}
