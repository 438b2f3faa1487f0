import { expect, test } from "vitest";
import type { CauseStep } from "../api/types";
import { type Branch, details, grown } from "./causes";

const step = (id: string, cause: string | null, more: Record<string, unknown> = {}): CauseStep => ({
  id,
  event: id,
  at: "2026-05-04T12:00:00.000Z",
  cause,
  details: more,
});

const drawn = (branches: Branch[]): unknown[] =>
  branches.map(({ step: { id }, below }) => (below.length ? [id, drawn(below)] : id));

test("what led to one thing only stands above it", () => {
  expect(drawn(grown([step("a", null), step("b", "a"), step("c", "b")]))).toEqual(["a", "b", "c"]);
});

test("what led to several has them below it, each with its own consequences", () => {
  const steps = [step("a", null), step("b", "a"), step("c", "b"), step("late", "b"), step("d", "c")];
  expect(drawn(grown(steps))).toEqual(["a", ["b", [["c", ["d"]], "late"]]]);
});

test("a step without a known cause stands for itself", () => {
  expect(drawn(grown([step("a", null), step("seen", "elsewhere")]))).toEqual(["a", "seen"]);
});

test("a step without details has none to tell", () => {
  expect(details({ id: "a", event: "requested", at: "2026-05-04T12:00:00.000Z" })).toEqual([]);
});

test("what is told in another way is left out of the details", () => {
  expect(details(step("a", null, { dispatch: 1, lane: "email", holds: { until: 1 } }))).toEqual([
    ["lane", "email"],
    ["holds", '{"until":1}'],
  ]);
});
