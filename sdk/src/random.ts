/** 128 random bits in hex. `crypto.randomUUID` would be missing on pages that are served without HTTPS. */
export const randomToken = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
