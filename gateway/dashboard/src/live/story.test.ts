import { expect, test } from "vitest";
import type { StoryEntry } from "../api/types";
import { duration, parts, steps } from "./story";

const entry = (event: string, milliseconds: number, details: Record<string, unknown> = {}): StoryEntry => ({
  id: `n:${event}:${milliseconds}`,
  jobId: "n",
  event,
  details,
  createdAt: new Date(milliseconds).toISOString(),
});

const STORY = [
  entry("created", 0, { priority: "transactional" }),
  entry("queued", 10, { dispatch: 1, lane: "notification-attempts.email.transactional" }),
  entry("sending", 30, { dispatch: 1, worker: "deliver" }),
  entry("retry_scheduled", 130, {
    dispatch: 1,
    error: "down",
    delayMs: 1000,
    notBefore: new Date(1130).toISOString(),
  }),
  entry("sending", 1200, { dispatch: 2, worker: "deliver" }),
  entry("sent", 1300, { dispatch: 2 }),
];

test("each step says how long after the one before it came, and why", () => {
  const told = steps(STORY);
  expect(told.map(({ gap }) => gap)).toEqual([null, 10, 20, 100, 1070, 100]);
  expect(told[3]?.cause).toBe("down. The next one may start 1.0 s later.");
  expect(told[4]?.cause).toContain("started 70 ms after that");
});

test("the parts are what lies between the steps", () => {
  expect(parts(STORY).map(({ kind, milliseconds }) => [kind, milliseconds])).toEqual([
    ["waiting", 10],
    ["waiting", 20],
    ["calling", 100],
    ["resting", 1070],
    ["calling", 100],
  ]);
});

test("an event of a newer program is shown by its name", () => {
  expect(steps([entry("put_off", 0)])[0]?.title).toBe("put off");
});

test.each([
  [0, "0 ms"],
  [850, "850 ms"],
  [1204, "1.2 s"],
  [65_000, "1 min 5 s"],
  [7_260_000, "2 h 1 min"],
])("%d ms are %s", (milliseconds, told) => {
  expect(duration(milliseconds)).toBe(told);
});
