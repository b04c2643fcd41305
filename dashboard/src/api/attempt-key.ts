/**
 * One idempotency key per attempt to move money. The same request keeps its key, so that a second click, or a retry after
 * a lost answer, cannot pay out twice; a changed request, or one that the server has finally refused, gets a new one.
 */
export class AttemptKey {
  #fingerprint: string | null = null;
  #key = "";

  constructor(private readonly newKey: () => string = randomKey) {}

  for(request: unknown): string {
    const fingerprint = JSON.stringify(request);
    if (fingerprint !== this.#fingerprint) {
      this.#fingerprint = fingerprint;
      this.#key = this.newKey();
    }
    return this.#key;
  }

  /** Call when the server has given its final answer. */
  settle(): void {
    this.#fingerprint = null;
  }
}

// crypto.randomUUID exists only on secure origins; a dashboard on plain http in a private network needs this too.
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
