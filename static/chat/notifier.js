// The browser's own notifications, outside of the page.

export class Notifier {
  #Notification;
  #shown = new Set();

  constructor(browser = globalThis) {
    // Pages without https are refused without being asked; the browser says "denied" though nobody denied it.
    this.#Notification = browser.isSecureContext ? browser.Notification : undefined;
  }

  /** "granted", "denied", "default" (nobody was asked yet), or "missing". */
  get permission() {
    return this.#Notification?.permission ?? "missing";
  }

  /** Only to be called when somebody pressed a button for it. */
  async ask() {
    await this.#Notification?.requestPermission();
  }

  /** News with the same `tag` takes the place of the older one; `opened` is called when it is clicked. */
  show({ title, body, tag, opened }) {
    if (this.permission !== "granted") return;
    try {
      const notification = new this.#Notification(title, { body, tag });
      this.#shown.add(notification);
      notification.onclose = () => this.#shown.delete(notification);
      notification.onclick = () => {
        notification.close();
        opened();
      };
    } catch {
      this.#Notification = undefined; // Chrome on Android has the name but not the thing
    }
  }

  /** Somebody looks at the page itself. */
  clear() {
    for (const notification of this.#shown) notification.close();
    this.#shown.clear();
  }
}
