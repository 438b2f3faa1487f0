/** Idempotency keys: one for each body, so that to press a button again after an error never does a thing twice. */

export class Keys {
  private body = "";
  private key = "";

  of(body: unknown): string {
    const text = JSON.stringify(body);
    if (this.body !== text) {
      this.body = text;
      this.key = crypto.randomUUID();
    }
    return this.key;
  }
}
