/** Moments of the past that are looked at: in the URL, on a slider, in a field. Pure. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** How far back the slider of a list reaches, in milliseconds. */
export const SPANS = [
  { name: "10 minutes", length: 10 * MINUTE },
  { name: "an hour", length: HOUR },
  { name: "a day", length: 24 * HOUR },
  { name: "a week", length: 168 * HOUR },
  { name: "30 days", length: 720 * HOUR },
] as const;

/** Steps of a slider from one end to the other. */
export const STEPS = 1000;

/** `?at=` as milliseconds since 1970; null for now, and for what is no time. */
export function read(text: string | null): number | null {
  if (!text) return null;
  const time = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  return Number.isFinite(time) ? time : null;
}

export const written = (at: number): string => new Date(at).toISOString();

/** The shortest span that reaches back to it from `now`, else the longest. */
export function reaching(at: number | null, now: number): number {
  const found = SPANS.findIndex(({ length }) => at !== null && now - at <= length);
  return at === null ? 1 : found < 0 ? SPANS.length - 1 : found;
}

/** Where it lies on a slider from one time to the other. */
export function placed(at: number, from: number, to: number): number {
  if (to <= from) return STEPS;
  return Math.min(Math.max(Math.round(((at - from) / (to - from)) * STEPS), 0), STEPS);
}

/** The time at a place of a slider; null for its end, which is now. */
export function timeAt(place: number, from: number, to: number): number | null {
  return place >= STEPS ? null : Math.round(from + ((to - from) * place) / STEPS);
}

/** The stop before or after a time; null for now is after all. */
export function stop(stops: number[], at: number | null, step: -1 | 1): number | undefined {
  const here = at ?? Number.POSITIVE_INFINITY;
  const there = [...new Set(stops)].sort((one, other) => one - other);
  if (at === null) there.pop(); // the last one is how it is now
  return step < 0 ? there.findLast((time) => time < here) : there.find((time) => time > here);
}

/** As an `<input type="datetime-local">` has it: this browser's own time, to the second. */
export function local(at: number): string {
  const ahead = new Date(at).getTimezoneOffset() * MINUTE;
  return new Date(at - ahead).toISOString().slice(0, 19);
}
