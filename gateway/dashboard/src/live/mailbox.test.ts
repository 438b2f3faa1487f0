import { expect, test } from "vitest";
import { CLOSED, heard } from "./mailbox";

const item = (notificationId: string) => ({
  notificationId,
  message: "hello",
  eventType: "LIKE",
  timestamp: "t",
});
const news = (id: string, position: number) => ({
  type: "NOTIFICATION",
  epoch: "e",
  position,
  payload: item(id),
});

test("the first AUTH recovers nothing, a later one says whether it did", () => {
  const first = heard(CLOSED, { type: "AUTHENTICATED", epoch: "e", position: 3, recovered: true });
  expect(first).toMatchObject({ state: "open", recovered: null, epoch: "e" });
  expect(heard(first, { type: "AUTHENTICATED", epoch: "e", position: 3, recovered: true }).recovered).toBe(
    true,
  );
});

test("the position is that of the last notification that was heard, so that a resume misses none", () => {
  const open = heard(CLOSED, { type: "AUTHENTICATED", epoch: "e", position: 9, recovered: true });
  expect(open.position).toBe(0);
  expect(heard(open, news("a", 7)).position).toBe(7);
});

test("one that comes again is there once, one that was acknowledged stays as read", () => {
  const twice = [news("a", 1), news("b", 2), news("a", 1)].reduce(heard, CLOSED);
  expect(twice.items.map((one) => one.notificationId)).toEqual(["a", "b"]);
  const read = heard(twice, { type: "ACKNOWLEDGED", notificationId: "b" });
  expect(read.items.map((one) => one.read)).toEqual([false, true]);
});
