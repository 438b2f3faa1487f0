import { expect, test } from "vitest";
import { type Document, kindOf, parts, resolved } from "./asyncapi";

const NAMED = {
  components: { schemas: { Request: { type: "object" } }, messages: {} },
} as unknown as Document;

test.each([
  [{ $ref: "#/components/schemas/Request" }, "Request"],
  [{ const: "AUTH" }, '"AUTH"'],
  [{ enum: ["LIKE", "SHARE"] }, '"LIKE" | "SHARE"'],
  [{ anyOf: [{ type: "integer" }, { type: "null" }] }, "integer or null"],
  [{ type: "array", items: { type: "string" } }, "list of string"],
  [{ type: "string", format: "date-time" }, "string, date-time"],
  [{}, "anything"],
])("%j is told as %s", (schema, told) => {
  expect(kindOf(schema)).toBe(told);
});

test("what a field is made of is found through lists and alternatives", () => {
  const field = { anyOf: [{ items: { $ref: "#/components/schemas/Request" } }, { type: "null" }] };
  expect(parts(field)).toEqual(["Request"]);
  expect(resolved({ $ref: "#/components/schemas/Request" }, NAMED)).toEqual({ type: "object" });
});
