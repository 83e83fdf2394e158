import { connect, type Socket } from "node:net";
import { connect as connectTls, createSecureContext } from "node:tls";
import type { CrowdOptions, Outcome } from "./crowd.ts";
import { request } from "./clients.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as CrowdOptions;
const { port, clients, addresses, network = 1, tls = false, silent = false, first = "", headers = {} } = options;
const secureContext = tls ? createSecureContext({ minVersion: "TLSv1.2" }) : undefined;
const head = request({ headers });
/** Socket → the TCP socket below it. */
const open = new Map<Socket, Socket>();
const outcome: { -readonly [K in keyof Outcome]: Outcome[K] } = {
  accepted: 0,
  refused: 0,
  cut: 0,
  waiting: clients,
  slowest: 0,
  answers: {},
};
let started = 0;

/**
 * The loopback address of the n-th client. A single address is not bound: the kernel would search long for a free port.
 */
const addressOf = (n: number): string | undefined => {
  const address = n % addresses;
  return addresses === 1 ? undefined : `127.${network}.${(address >> 8) & 255}.${address & 255}`;
};

function one(n: number): void {
  const localAddress = addressOf(n);
  const place = { port, host: "127.0.0.1", ...(localAddress === undefined ? {} : { localAddress }) };
  const plain = connect({ ...place, noDelay: true }).on("error", () => {});
  const socket =
    secureContext === undefined ? plain : connectTls({ socket: plain, secureContext, rejectUnauthorized: false });
  open.set(socket, plain);
  let answered = false;
  const settle = (how: "accepted" | "refused" | "cut"): void => {
    if (answered) return;
    answered = true;
    outcome[how] += 1;
    outcome.waiting -= 1;
    outcome.slowest = Math.max(outcome.slowest, performance.now() - started);
    if (outcome.waiting === 0) process.send?.(outcome);
  };
  socket.on("error", () => {});
  socket.on("close", () => {
    open.delete(socket);
    settle("cut");
  });
  socket.on("data", (chunk: Buffer) => {
    if (answered) return;
    const status = chunk.toString("latin1", 9, 12);
    outcome.answers[status] = (outcome.answers[status] ?? 0) + 1;
    settle(status === "101" ? "accepted" : "refused");
  });
  socket.on(tls ? "secureConnect" : "connect", () => socket.write(silent ? first : head));
}

process.on("message", (what) => {
  if (what === "come") {
    started = performance.now();
    for (let n = 0; n < clients; n += 1) one(n);
  } else if (what === "count") {
    process.send?.(outcome);
  } else {
    for (const [socket, plain] of open) {
      if (what === "reset") plain.resetAndDestroy();
      else socket.destroy();
    }
    process.send?.(outcome);
  }
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
