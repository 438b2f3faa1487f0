/** Tokens as requests carry them. Pure. */

export const authorization = (token: string): Record<string, string> =>
  token ? { Authorization: `Bearer ${token}` } : {};

/** Who a token speaks for. Only to say so: whether it is to be believed is the gateway's business. */
export function subject(token: string): string {
  try {
    const claims = token.split(".")[1] ?? "";
    const told = JSON.parse(atob(claims.replaceAll("-", "+").replaceAll("_", "/"))) as { sub?: unknown };
    return typeof told.sub === "string" ? told.sub : "";
  } catch {
    return ""; // it is no JWT: the gateway says so
  }
}
