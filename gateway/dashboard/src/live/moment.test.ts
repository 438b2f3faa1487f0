import { expect, test } from "vitest";
import { local, placed, reaching, read, SPANS, STEPS, stop, timeAt, written } from "./moment";

const NOON = Date.parse("2026-05-04T12:00:00Z");

test.each([
  [null, null],
  ["", null],
  ["yesterday", null],
  ["2026-05-04T12:00:00.000Z", NOON],
  [String(NOON), NOON],
])("%j in the address is %j", (text, at) => {
  expect(read(text)).toBe(at);
});

test("what is written into the address is read back from it", () => {
  expect(read(written(NOON + 7))).toBe(NOON + 7);
});

test("the end of a slider is now, any other place is a time, and each goes back to its place", () => {
  expect(timeAt(STEPS, NOON, NOON + 10_000)).toBeNull();
  expect(timeAt(0, NOON, NOON + 10_000)).toBe(NOON);
  for (const place of [0, 1, 500, 999]) {
    expect(placed(timeAt(place, NOON, NOON + 10_000) as number, NOON, NOON + 10_000)).toBe(place);
  }
  expect(placed(NOON - 5, NOON, NOON + 10_000)).toBe(0);
});

test("a slider reaches back as far as the time that is looked at", () => {
  expect(SPANS[reaching(NOON - 5_000, NOON)]?.name).toBe("10 minutes");
  expect(SPANS[reaching(NOON - 2 * 3_600_000, NOON)]?.name).toBe("a day");
  expect(SPANS[reaching(0, NOON)]?.name).toBe("30 days");
  expect(SPANS[reaching(null, NOON)]?.name).toBe("an hour");
});

test.each([
  [null, -1, 20],
  [null, 1, undefined],
  [20, -1, 10],
  [20, 1, 30],
  [15, 1, 20],
  [10, -1, undefined],
] as const)("from %j the stop at %d is %j", (at, step, expected) => {
  expect(stop([10, 20, 20, 30], at, step)).toBe(expected);
});

test("a field shows this browser's own time", () => {
  expect(Date.parse(local(NOON))).toBe(NOON);
});
