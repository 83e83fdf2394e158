import type { PolicyKind } from "../../api/policies/index.ts";
import { attempts } from "./attempts.ts";
import { authentication } from "./authentication.ts";
import { bytes } from "./bytes.ts";
import { compression } from "./compression.ts";
import { connections } from "./connections.ts";
import { deny } from "./deny.ts";
import { enforcement } from "./enforcement.ts";
import { forwarding } from "./forwarding.ts";
import { keepalive } from "./keepalive.ts";
import { messages } from "./messages.ts";
import { messageSize } from "./message-size.ts";
import { origins } from "./origins.ts";
import type { PolicyCompiler } from "../policy.ts";
import { slowConsumer } from "./slow-consumer.ts";
import { timeouts } from "./timeouts.ts";

type Compilers = { readonly [K in PolicyKind]: PolicyCompiler<K> };

/**
 * Policies of a handshake, in the order of enforcement. `admit.ts` runs `screen` of all, while the client is unknown, then
 * `authenticate` of all, then `admit` of all: each time in this order. A session's permission is reviewed in this order too.
 */
export const handshakePolicies = {
  enforcement, // no step: each limit reads it while it is compiled
  deny, // an address on the list costs nothing more
  origins, // turns cross-site upgrades away before any crypto
  attempts, // per IP: bounds what guessing costs us; the others once the client is known
  authentication, // identity, so that the policies behind it may count by it
  connections, // last of the admissions: a handshake that passes it holds a slot
  forwarding, // what the backend sees of the handshake
  compression, // what the backend sees of the extension offer
} satisfies Partial<Compilers>;

/**
 * Policies of a data frame, in the order of enforcement, behind the rules of RFC 6455. `frame-judge.ts` keeps this order,
 * and its test takes it from here.
 */
export const framePolicies = {
  messageSize, // at each frame header: no state but the message's own, so a frame that is too big costs no token
  messages, // at a message's first frame: a message that is refused costs no bytes
  bytes, // the payload as it is read
} satisfies Partial<Compilers>;

/** Policies that look at no single frame. They have no order among them: the one whose time is up first ends the session. */
export const sessionPolicies = {
  slowConsumer, // a receiver that takes too little
  keepalive, // a client that vanished
  timeouts, // idle and lifetime
} satisfies Partial<Compilers>;

/** THE CHAIN: every policy, in the order of enforcement. */
export const chain = { ...handshakePolicies, ...framePolicies, ...sessionPolicies } satisfies Compilers;
