import type { Socket } from "node:net";
import { accessLog } from "../../dataplane/access-log.ts";
import type { Dialled } from "../../dataplane/backend/backend.ts";
import type { SharedLimits } from "../../dataplane/limits/shared-limits.ts";
import type { CompiledRoute } from "../../dataplane/config/snapshot.ts";
import { Attempt } from "../../dataplane/handshake/attempt.ts";
import { Turns } from "../../runtime/loop/turns.ts";
import { Occupancy } from "../../dataplane/limits/occupancy.ts";
import { Metrics } from "../../dataplane/metrics.ts";
import type { Termination } from "../../dataplane/rejection.ts";
import { FakeClock } from "./clock.ts";
import { clientNamed, handshakeFrom, stepsOf } from "./policy-bench.ts";
import { socketPair, until, type Peer } from "./sockets.ts";

/** How far a handshake has come. */
export const STEPS = ["begun", "routed", "admitted", "opened"] as const;
export type Step = (typeof STEPS)[number];

const handshake = handshakeFrom("192.0.2.1", "request-1");
const alice = clientNamed("alice");

/** An attempt of a connected client, on its way to its 101, and what is open and counted for it. */
export class AttemptScene {
  readonly clock = new FakeClock();
  readonly metrics = new Metrics();
  readonly occupancy = new Occupancy();
  readonly lines: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  /** How often each of these was called. */
  readonly calls = { ended: 0, released: 0, watching: 0, reviewed: 0 };
  /** What `review` says. */
  lost: Termination | undefined;
  /** Takes the permission away, as time or an issuer does. */
  lose: (termination: Termination) => void = () => {};
  readonly client: Peer;
  /** The gateway's end of the client's connection. */
  readonly socket: Socket;
  readonly attempt: Attempt;
  backend: Peer | undefined;
  readonly turns = new Turns(1);
  /** Counts over all pods. */
  shared: SharedLimits | undefined;

  private constructor(client: Peer, socket: Socket) {
    const line = (fields: object, message: string): void => void this.lines.push({ message, fields: { ...fields } });
    const log = accessLog({ debug: line, info: line, warn: line, error: line }, "test/proxy", "All");
    this.client = client;
    this.socket = socket;
    this.attempt = new Attempt(socket, {
      ...{ clock: this.clock, log: () => log, early: 3, bodiless: false },
      metrics: this.metrics.route("test/proxy", ""),
      asking: this,
      ended: () => (this.calls.ended += 1),
    });
    socket.on("error", () => socket.destroy());
    socket.resume();
  }

  static async begun(): Promise<AttemptScene> {
    const { peer, socket } = await socketPair();
    return new AttemptScene(peer, socket);
  }

  get route(): CompiledRoute {
    const permission = stepsOf({
      review: () => {
        this.calls.reviewed += 1;
        return this.lost;
      },
      watch: (_, end) => {
        this.calls.watching += 1;
        this.lose = end;
        return () => void (this.calls.watching -= 1);
      },
    });
    const metrics = this.metrics.route("test/proxy", "main");
    return { name: "main", chain: [permission], metrics, challenge: "Bearer" } as unknown as CompiledRoute;
  }

  /** As far as this step. */
  async to(step: Step): Promise<this> {
    const { attempt } = this;
    if (step === "begun") return this;
    attempt.identify(handshake);
    attempt.routed(this.route);
    if (step === "routed") return this;
    const refusal = attempt.admit(handshake, alice, this.route, this.occupancy);
    if (refusal !== undefined) throw new Error(`refused: ${refusal.reason}`);
    if (step === "admitted") return this;
    const { peer, socket } = await socketPair();
    this.backend = peer;
    attempt.opened({ socket, release: () => (this.calls.released += 1) } as unknown as Dialled);
    return this;
  }

  /** Counted answers, as `status reason`. */
  async answers(): Promise<string[]> {
    const { values = [] } = (await this.metrics.registry.getSingleMetric("wsproxy_handshakes_total")?.get()) ?? {};
    return values.flatMap(({ value, labels }) => Array<string>(value).fill(`${labels["status"]} ${labels["reason"]}`));
  }

  /** What is left once the attempt has ended. */
  async left(): Promise<object> {
    this.attempt.end();
    const { backend, occupancy, calls } = this;
    if (backend !== undefined) await until("the backend's connection is closed", () => backend.ended);
    return { slots: occupancy.size, watching: calls.watching, released: calls.released, ended: calls.ended };
  }

  /** Hangs up at the test's ends. */
  close(): void {
    this.client.socket.destroy();
    this.backend?.socket.destroy();
  }
}
