import { expect, test } from "vitest";
import { events } from "./events";

async function read(...pieces: string[]): Promise<[string, string][]> {
  const bytes = new TextEncoder();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(bytes.encode(piece));
      controller.close();
    },
  });
  const found: [string, string][] = [];
  for await (const { name, data } of events(body)) found.push([name, data]);
  return found;
}

test("events have a name, comments are none", async () => {
  expect(await read('event: open\ndata: {}\n\n: \n\ndata: {"a": 1}\n\n')).toEqual([
    ["open", "{}"],
    ["message", '{"a": 1}'],
  ]);
});

test("wherever the network cuts, events come whole", async () => {
  const text = 'event: open\ndata: {}\n\ndata: {"at": "12:00: noon"}\n\n';
  for (let cut = 1; cut < text.length; cut += 1) {
    expect(await read(text.slice(0, cut), text.slice(cut))).toEqual([
      ["open", "{}"],
      ["message", '{"at": "12:00: noon"}'],
    ]);
  }
});

test("what was cut off in the middle is no event", async () => {
  expect(await read("data: {}\n\ndata: half")).toEqual([["message", "{}"]]);
});
