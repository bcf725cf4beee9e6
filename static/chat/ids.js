// Ids that a client chooses for its requests. `crypto.randomUUID` is missing on plain-http sites,
// which old intranets are, so the bytes are drawn by hand.

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
