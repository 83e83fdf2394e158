import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { AGENT } from "./suite.ts";

/** The suite sends messages in more fragments and of more bytes than `ws` takes by default. */
const unlimited = { maxPayload: 0, maxFragments: 0, maxBufferedChunks: 0, perMessageDeflate: { threshold: 0 } };

/** A server that sends back what it gets, on a port of the system's choice. */
export async function echoServer(): Promise<{ readonly port: number; close(): void }> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, ...unlimited });
  server.on("connection", (socket) => {
    socket.on("error", () => {}); // broken frames are what the suite sends
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  });
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/** Goes through all cases of the fuzzing server at a URL, sends back what it gets, and asks for the report. */
export async function echoClient(url: string): Promise<void> {
  let count = 0;
  await conversation(`${url}/getCaseCount`, (data) => (count = Number(data)));
  if (count === 0) throw new Error("the fuzzing server has no cases");
  for (let number = 1; number <= count; number++) {
    await conversation(`${url}/runCase?case=${number}&agent=${AGENT}`, (data, binary, socket) => {
      socket.send(data, { binary });
    });
  }
  await conversation(`${url}/updateReports?agent=${AGENT}`, () => {});
}

type Message = (data: WebSocket.RawData, binary: boolean, socket: WebSocket) => void;

/** One connection, from its opening to its end; no case takes a minute. */
async function conversation(url: string, message: Message): Promise<void> {
  const socket = new WebSocket(url, unlimited);
  const patience = setTimeout(() => socket.terminate(), 60_000);
  socket.on("error", () => {}); // what comes of it stands in the suite's report
  socket.on("message", (data, binary) => message(data, binary, socket));
  await new Promise((resolve) => socket.once("close", resolve));
  clearTimeout(patience);
}
