import { expect, onTestFinished, test } from "vitest";
import { ApiError } from "../../operator/kube/api-error.ts";
import type { Call, Caller } from "../../operator/kube/call.ts";
import { Election } from "../../operator/kube/election.ts";
import type { Lease } from "../../operator/kube/lease.ts";
import { systemClock } from "../../runtime/clock.ts";
import { recordedLog } from "../fakes/kube-bench.ts";
import { until } from "../fakes/sockets.ts";
import { destroy, newNamespace, read, sharedClient } from "./bench.ts";

// Shorter than in production, in the same proportions.
const [DURATION, RENEW_DEADLINE, RETRY] = [3000, 2000, 300];

/** The way to the API server, which a test can cut. */
class Way implements Caller {
  cut = false;
  readonly #client: Caller;

  constructor(client: Caller) {
    this.#client = client;
  }

  async request<T>(call: Call): Promise<T> {
    if (this.cut) throw new ApiError(call, 0, "Unreachable", "the way is cut");
    return this.#client.request<T>(call);
  }
}

interface Elector {
  readonly way: Way;
  readonly abort: AbortController;
  readonly running: Promise<void>;
  term: AbortSignal | undefined;
}

/** Three on one Lease, and a look every few ms that two never lead. */
async function three(): Promise<{
  namespace: string;
  client: Caller;
  all: Elector[];
  leader(not?: Elector): Promise<Elector>;
}> {
  const client = sharedClient();
  const namespace = await newNamespace(client);
  const elections: Election[] = [];
  const all = Array.from({ length: 3 }, (_, index) => {
    const way = new Way(client);
    const election = new Election({
      client: way,
      namespace,
      name: "operator",
      identity: `operator-${index}`,
      clock: systemClock,
      random: Math.random,
      log: recordedLog().log,
      duration: DURATION,
      renewDeadline: RENEW_DEADLINE,
      retry: RETRY,
    });
    elections.push(election);
    const abort = new AbortController();
    const elector: Elector = { way, abort, term: undefined, running: election.run(abort.signal, lead) };
    function lead(term: AbortSignal): Promise<void> {
      elector.term = term;
      return new Promise((resolve) => term.addEventListener("abort", () => resolve(), { once: true }));
    }
    return elector;
  });
  const most: number[] = [];
  const look = setInterval(() => most.push(elections.filter(({ leading }) => leading).length), 5);
  onTestFinished(async () => {
    clearInterval(look);
    for (const { abort } of all) abort.abort();
    await Promise.all(all.map(({ running }) => running));
    expect(Math.max(...most)).toBe(1);
  });
  const leads = (elector: Elector): boolean => elector.term?.aborted === false;
  const leader = async (not?: Elector): Promise<Elector> => {
    await until("one leads", () => all.some((one) => one !== not && leads(one)), 20_000);
    return all.find((one) => one !== not && leads(one)) as Elector;
  };
  return { namespace, client, all, leader };
}

test("of three operators one leads; when it stops another follows at once, when it is cut off once the lease has run out", async () => {
  const { leader, client, namespace } = await three();
  const first = await leader();
  const stopped = Date.now();
  first.abort.abort();
  await first.running;
  const second = await leader(first);
  expect(Date.now() - stopped).toBeLessThan(DURATION - 500);
  second.way.cut = true;
  await until("it leads no more", () => second.term?.aborted === true);
  const third = await leader(second);
  expect(third).not.toBe(first);
  const lease = await read<Lease>(client, "Lease", namespace, "operator");
  expect(lease.spec?.leaseTransitions).toBe(2);
});

test("a lease that is deleted ends its holder's term, and one leads again", async () => {
  const { leader, client, namespace, all } = await three();
  const first = await leader();
  const { term } = first;
  await until(
    "all have seen it",
    async () => (await read<Lease>(client, "Lease", namespace, "operator")).spec?.renewTime !== undefined,
  );
  await new Promise((resolve) => setTimeout(resolve, 2 * RETRY));
  await destroy(client, "Lease", namespace, "operator");
  await until("its term is over", () => term?.aborted === true);
  await until("one leads", () => all.some((one) => one.term?.aborted === false), 20_000);
});
