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

/**
 * THE CHAIN: every policy in the order in which it is enforced. Within a handshake first all that can be said of an
 * unknown client (`screen`), then which it is (`authenticate`), then all that depends on it (`admit`).
 */
export const chain = {
  enforcement, // read by every limit below
  deny, // an address on the list costs nothing more
  origins, // turns cross-site upgrades away before any crypto
  attempts, // per IP: bounds what guessing costs us; the others once the client is known
  authentication, // identity, so that what follows may count by it
  connections, // last of the admissions: a handshake that passes it holds a place
  forwarding, // what of the handshake the backend sees
  compression, // what of the extension offer the backend sees
  messages, // in the tunnel: a whole message at its first frame
  bytes, // in the tunnel: payload as it is read
  messageSize, // in the tunnel: at each frame header, before the frame is forwarded
  slowConsumer, // in the tunnel: what an end does not take
  keepalive, // in the tunnel: a client that vanished
  timeouts, // in the tunnel: idle and lifetime
} satisfies { [K in PolicyKind]: PolicyCompiler<K> };
