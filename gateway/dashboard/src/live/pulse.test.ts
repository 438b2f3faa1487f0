import { expect, test } from "vitest";
import type { Change, Job } from "../api/types";
import { BUCKET_S, Pulse, percentile, SPAN_S } from "./pulse";

const NOW = Date.parse("2026-01-01T00:10:00.000Z");
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

const made = (id: string, seconds: number): Change => ({
  notificationId: id,
  status: "queued",
  at: ago(seconds),
  job: { type: "email", recipient: "ada", message: "hello", maxAttempts: 5, createdAt: ago(seconds) },
});

const sent = (id: string, seconds: number): Change => ({
  notificationId: id,
  status: "sent",
  at: ago(seconds),
});

test("what was accepted and sent counts once, with the time between", () => {
  const pulse = new Pulse();
  pulse.take([made("a", 10), made("a", 10), sent("a", 8), sent("a", 8)]);
  const beats = pulse.last(NOW);
  expect(beats.reduce((sum, beat) => sum + beat.accepted, 0)).toBe(1);
  expect(beats.flatMap(({ latencies }) => latencies)).toEqual([2000]);
});

test("the past that was read and what is heard of it again count once", () => {
  const pulse = new Pulse();
  const job = { id: "a", status: "sent", createdAt: ago(10), updatedAt: ago(8) } as Job;
  pulse.take([made("a", 10)]);
  pulse.seed([job]);
  pulse.take([sent("a", 8)]);
  expect(pulse.last(NOW).reduce((sum, beat) => sum + beat.sent, 0)).toBe(1);
});

test("there is a beat for every bucket of the span, the newest last", () => {
  const beats = new Pulse().last(NOW);
  expect(beats).toHaveLength(SPAN_S / BUCKET_S);
  expect(beats.at(-1)?.at).toBe(NOW / 1000 - BUCKET_S);
});

test("an acknowledgement is no second delivery", () => {
  const pulse = new Pulse();
  pulse.take([{ ...sent("a", 5), acknowledgedAt: ago(5) }]);
  expect(pulse.last(NOW).every((beat) => beat.sent === 0)).toBe(true);
});

test.each([
  [[], 0.5, null],
  [[7], 0.95, 7],
  [[1, 2, 3, 4], 0.5, 3],
])("of %j the share %d lies below %s", (sorted, share, expected) => {
  expect(percentile(sorted, share)).toBe(expected);
});
