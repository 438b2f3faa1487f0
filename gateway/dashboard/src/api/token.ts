/**
 * The token of who has signed in, for as long as this tab is open; and whether one is asked for. Where authentication is
 * off nobody is asked, and none is sent.
 */

const KEY = "tidings-token";

export interface Session {
  token: string;
  /** Why somebody has to sign in before anything is shown; null if nobody has. */
  wanted: string | null;
}

let session: Session | null = null;
const listeners = new Set<() => void>();

export function current(): Session {
  session ??= { token: sessionStorage.getItem(KEY) ?? "", wanted: null };
  return session;
}

export const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

export function signIn(token: string): void {
  sessionStorage.setItem(KEY, token);
  be({ token, wanted: null });
}

export function signOut(why: string): void {
  sessionStorage.removeItem(KEY);
  be({ token: "", wanted: why });
}

/** A request with this token was refused as nobody's. Of several that were under way the first one's word stands. */
export function refused(token: string, why: string): void {
  const { token: kept, wanted } = current();
  if (token === kept && wanted === null) signOut(token ? why : "");
}

function be(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}
