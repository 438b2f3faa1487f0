/** A body of Server-Sent Events in, events out: as an `EventSource` reads them, but of a request with headers. */

export interface Told {
  name: string;
  data: string;
}

export async function* events(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Told> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const blocks = (rest + piece.value).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const told = event(block);
        if (told) yield told;
      }
    }
  } finally {
    await reader.cancel();
  }
}

/** One event; null for a comment, which is a sign of life only. */
function event(block: string): Told | null {
  const told = { name: "message", data: "" };
  for (const line of block.split("\n")) {
    const [field, ...value] = line.split(": ");
    if (field === "event") told.name = value.join(": ");
    if (field === "data") told.data += value.join(": ");
  }
  return told.data ? told : null;
}
