import { once } from "node:events";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { readBody, type BodyBounds, type BodyRead } from "./bounded-body.ts";

/** What is read of an answer that a server writes so. */
async function read(
  bounds: BodyBounds,
  write: (response: ServerResponse) => void,
): Promise<BodyRead & { readonly answer: IncomingMessage }> {
  const server = createServer((_request, response) => write(response)).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, agent: false }, (answer) =>
      readBody(answer, bounds, (body) => resolve({ ...body, answer })),
    ).on("error", reject);
  });
}

/** Writes pieces of one byte, each in a turn of its own. */
function inPieces(count: number): (response: ServerResponse) => void {
  return (response) => {
    let left = count;
    const next = (): void => {
      if (left === 0) response.end();
      else response.write("x", () => setImmediate(next));
      left -= 1;
    };
    next();
  };
}

test.each([
  ["nothing", 0],
  ["less than the bound", 9],
  ["just the bound", 10],
])("a body of %s is read whole", async (_, length) => {
  const { end, bytes } = await read({ bytes: 10 }, (response) => response.end("x".repeat(length)));
  expect([end, bytes.length]).toEqual(["Whole", length]);
});

test.each([
  ["a byte more than the bound", (response: ServerResponse) => response.end("x".repeat(11))],
  ["no end", (response: ServerResponse) => response.write("x".repeat(100_000))],
])("a body of %s is cut off there, and no more of it is read", async (_, write) => {
  const { end, bytes, answer } = await read({ bytes: 10 }, write);
  expect([end, bytes.toString()]).toEqual(["TooLong", "x".repeat(10)]);
  expect(answer.destroyed).toBe(true);
});

test("a body in too many pieces is cut off behind the last one that is permitted", async () => {
  const { end, bytes } = await read({ bytes: 1000, pieces: 3 }, inPieces(50));
  expect([end, bytes.length]).toEqual(["TooLong", 3]);
});

test("of a body whose connection is lost, what came is there", async () => {
  const { end, bytes } = await read({ bytes: 10 }, (response) => {
    response.writeHead(200, { "content-length": "8" });
    response.write("four", () => response.destroy());
  });
  expect([end, bytes.toString()]).toEqual(["Broken", "four"]);
});
