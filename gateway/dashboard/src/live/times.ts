/** Times as people read them. Pure. */

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});
const PRECISE = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "long" });

/** The clock time of today, with the day of another day. */
export function short(iso: string, now = new Date()): string {
  const at = new Date(iso);
  return at.toDateString() === now.toDateString() ? CLOCK.format(at) : DAY.format(at);
}

/** The clock time to the millisecond. */
export const precise = (iso: string): string => PRECISE.format(new Date(iso));

export const full = (iso: string): string => FULL.format(new Date(iso));

export const shortId = (id: string): string => id.slice(0, 8);

export const count = (value: number): string => value.toLocaleString("en");
