import { expect, test } from "vitest";
import { authorization, subject } from "./bearer";

const claims = (said: unknown) =>
  `e30.${btoa(JSON.stringify(said)).replaceAll("+", "-").replaceAll("/", "_")}.x`;

test.each([
  [claims({ sub: "operator", scope: "service" }), "operator"],
  [claims({ scope: "service" }), ""],
  [claims({ sub: 7 }), ""],
  ["no token at all", ""],
  ["", ""],
])("%s speaks for %j", (token, expected) => {
  expect(subject(token)).toBe(expected);
});

test("where nobody has signed in no header is sent", () => {
  expect(authorization("")).toEqual({});
  expect(authorization("a.b.c")).toEqual({ Authorization: "Bearer a.b.c" });
});
