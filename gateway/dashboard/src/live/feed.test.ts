import { expect, test } from "vitest";
import { cursorOf } from "../api/client";
import type { Job } from "../api/types";
import { differences, pause } from "./feed";

const job = (status: Job["status"]): Job => ({
  id: "a",
  type: "email",
  recipient: "ada",
  message: "hello",
  status,
  attempts: 0,
  maxAttempts: 5,
  createdAt: "2026-01-01T00:00:00.000Z",
});

test("a list that is read again tells only what changed", () => {
  const known = new Map<string, string>();
  expect(differences(known, [job("queued")])).toHaveLength(1);
  expect(differences(known, [job("queued")])).toEqual([]);
  expect(differences(known, [job("sent")])).toMatchObject([{ notificationId: "a", status: "sent" }]);
});

test("the pauses between attempts double up to half a minute", () => {
  expect([0, 1, 2, 10].map(pause)).toEqual([1000, 2000, 4000, 30_000]);
});

test("the cursor is the one of the next page", () => {
  expect(cursorOf('</api/notifications?limit=100&cursor=a%2Cb>; rel="next"')).toBe("a,b");
  expect(cursorOf(null)).toBeNull();
});
