import { policies, type RenderedPolicies } from "../../api/policies/index.ts";
import type { HeaderField } from "../../dataplane/http/header-fields.ts";
import type { Handshake } from "../../dataplane/opening-handshake.ts";
import type { Identity } from "../../dataplane/identity.ts";
import { Memory } from "../../dataplane/memory.ts";
import type { CompileContext, Party } from "../../dataplane/policy.ts";
import type { Answer, Ask } from "../../dataplane/auth/guarded-fetch.ts";
import { FetchFault } from "../../dataplane/auth/guarded-fetch.ts";
import { FakeClock } from "./clock.ts";

export type AuthenticationSettings = NonNullable<RenderedPolicies["authentication"]>;

/** Rendered settings of the authentication policy, defaults filled in. */
export function settings(input: Record<string, unknown>): AuthenticationSettings {
  return policies.authentication.rendered.parse(input);
}

/** Everything that the authentication policy is compiled with; the time stands still until `clock` is advanced. */
export class AuthBench {
  readonly clock = new FakeClock();
  readonly memory = new Memory();
  /** `method reason` of each verification. */
  readonly counted: string[] = [];
  /** Each log line, whole. */
  readonly logged: string[] = [];

  context(): CompileContext {
    const log = (fields: object, message: string): void => {
      this.logged.push(JSON.stringify({ ...fields, message }));
    };
    const part = {
      clock: this.clock,
      memory: this.memory,
      log: { debug: log, info: log, warn: log, error: log },
      metrics: {
        authentication: (method: string, reason: string) => this.counted.push(`${method} ${reason}`),
        introspectionNotAsked: (reason: string) => this.counted.push(`not asked: ${reason}`),
      },
    };
    return part as unknown as CompileContext;
  }
}

/** A handshake with these credentials and no others. */
export function handshake(offer: { headers?: HeaderField[]; query?: string; protocols?: string[] }): Handshake {
  return { headers: [], query: "", protocols: [], ...offer } as unknown as Handshake;
}

export function party(identity: Identity): Party {
  return {
    requestId: "r",
    identity,
    address: "192.0.2.1",
    addressSubject: "192.0.2.1",
    openedAt: 0,
    memory: new Memory(),
  };
}

/** A scripted identity provider: answers what `answer` says, and records its requests. */
export class ScriptedIdp {
  readonly asked: Ask[] = [];
  answer: (ask: Ask) => Answer | string | Promise<Answer | string>;

  constructor(answer: (ask: Ask) => Answer | string | Promise<Answer | string>) {
    this.answer = answer;
  }

  /** A string is a fault. */
  readonly fetch = async (ask: Ask): Promise<Answer> => {
    this.asked.push(ask);
    const answer = await this.answer(ask);
    if (typeof answer === "string") throw new FetchFault(answer);
    return answer;
  };
}

/** A JSON answer. */
export function json(value: unknown, status = 200): Answer {
  return { status, contentType: "application/json", body: Buffer.from(JSON.stringify(value)) };
}

/** Lets pending promises and their continuations run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
