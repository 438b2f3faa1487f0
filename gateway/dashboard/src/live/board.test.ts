import { expect, test } from "vitest";
import type { Change, Job } from "../api/types";
import { Board, brought, matches, moved, REMEMBERED, rows } from "./board";

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`;

const job = (id: string, second: number, more: Partial<Job> = {}): Job => ({
  id,
  type: "email",
  recipient: "ada",
  message: "hello",
  status: "pending",
  attempts: 0,
  maxAttempts: 5,
  createdAt: at(second),
  ...more,
});

const change = (
  id: string,
  second: number,
  status: Change["status"],
  more: Partial<Change> = {},
): Change => ({
  notificationId: id,
  at: at(second),
  status,
  ...more,
});

test("an older change does not undo a newer one", () => {
  const sent = moved(undefined, change("a", 5, "sent"));
  expect(moved(sent, change("a", 4, "sending"))).toBe(sent);
});

test("a change keeps what it says nothing of", () => {
  const failed = moved(undefined, change("a", 1, "retrying", { attempts: 1, lastError: "down" }));
  expect(moved(failed, change("a", 2, "sent"))).toMatchObject({
    status: "sent",
    attempts: 1,
    lastError: "down",
  });
});

test("what was read later than the last change counts", () => {
  const read = job("a", 0, { status: "sent", updatedAt: at(9) });
  expect(brought(read, { status: "sending", updatedAt: at(5) })).toBe(read);
});

test("a row that came since the list was read is the first", () => {
  const news = change("b", 3, "queued", { job: job("b", 3) });
  const board = new Map([["b", moved(undefined, news)]]);
  expect(rows([job("a", 1)], board, {}, false).map(({ id }) => id)).toEqual(["b", "a"]);
});

test("a row that no longer matches leaves, and one that comes to match has its place by time", () => {
  const left = moved(undefined, change("c", 9, "sent"));
  const came = moved(undefined, change("b", 9, "failed", { job: job("b", 2) }));
  const read = [job("c", 3, { status: "failed" }), job("a", 1, { status: "failed" })];
  const board = new Map([
    ["c", left],
    ["b", came],
  ]);
  expect(rows(read, board, { status: "failed" }, false).map(({ id }) => id)).toEqual(["b", "a"]);
});

test("what is older than the last row is left to the next page, unless there is none", () => {
  const old = moved(undefined, change("o", 9, "sent", { job: job("o", 1) }));
  const board = new Map([["o", old]]);
  expect(rows([job("a", 5)], board, {}, false)).toHaveLength(1);
  expect(rows([job("a", 5)], board, {}, true)).toHaveLength(2);
});

test("every filter has to match", () => {
  expect(matches(job("a", 0), { type: "email", recipient: "ada" })).toBe(true);
  expect(matches(job("a", 0), { type: "email", recipient: "grace" })).toBe(false);
});

test("however many changes come, who looks is told once for each look", () => {
  const looks: (() => void)[] = [];
  const board = new Board((then) => looks.push(then));
  let told = 0;
  board.subscribe(() => {
    told += 1;
  });
  for (let number = 0; number < 100; number += 1) board.take([change(`n${number}`, 1, "queued")]);
  expect(looks).toHaveLength(1);
  looks[0]?.();
  expect([told, board.snapshot().size]).toEqual([1, 100]);
});

test("the oldest are forgotten", () => {
  const board = new Board((then) => then());
  const many = Array.from({ length: REMEMBERED + 1 }, (_, number) => change(`n${number}`, 1, "queued"));
  board.take(many);
  expect(board.snapshot().size).toBe(REMEMBERED);
  expect(board.snapshot().has("n0")).toBe(false);
});
