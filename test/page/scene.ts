import type { DebugServer } from "../fakes/debug-server.ts";

const STEPS = [
  "handshake",
  "route",
  "capacity",
  "deny",
  "origins",
  "attempts",
  "authentication",
  "connections",
  "backend",
  "answer",
];
const MICROS = [18, 9, 1, 3, 4, 12, 640, 5, 2100, 60];
const CLIENTS = [
  "alice",
  "bob",
  "dashboard-eu-1",
  "kiosk-0042",
  "ops@example.com",
  "mobile-7f31",
  "trader-19",
  "sensor-berlin-3",
];
const ROUTES = ["chat", "chat", "prices", "chat", "telemetry"];

/** What a gateway of some size might show: open sessions, some that ended, some refusals. */
export function scene(server: DebugServer): void {
  const now = Date.now();
  const at = (seconds: number): string => new Date(now - 1000 * seconds).toISOString();
  const steps = (refused?: string, reason?: string): object[] => {
    const last = refused === undefined ? STEPS.length : STEPS.indexOf(refused);
    return STEPS.map((name, place) => {
      if (place > last) return { name, verdict: "skipped" };
      const micros = (MICROS[place] ?? 1) * (1 + ((place * 37) % 11) / 20);
      return { name, micros, verdict: place === last ? "refused" : "passed", ...(place === last ? { reason } : {}) };
    });
  };
  for (let index = 0; index < 26; index += 1) {
    const seconds = 900 - 33 * index;
    const [client, route] = [CLIENTS[(index * 5) % CLIENTS.length], ROUTES[index % ROUTES.length]];
    const about = { at: at(seconds), client, route, address: `203.0.113.${20 + index}`, millis: 3.1 };
    if (index % 6 === 3) {
      const reason = index % 12 === 3 ? "CredentialMissing" : "AttemptLimit";
      const policy = reason === "AttemptLimit" ? "attempts" : "authentication";
      const status = reason === "AttemptLimit" ? 429 : 401;
      server.handshake({ ...about, client: undefined, status, reason, policy, steps: steps(policy, reason) });
      continue;
    }
    const session = `s-${String.fromCharCode(97 + index)}`;
    server.handshake({ ...about, session, steps: steps(), path: `/${route}/room/${index}` });
    if (index % 4 === 2) {
      const [code, reason, by] = [
        [1000, "bye", "client"],
        [1008, "MessageRate", "gateway"],
        [1001, "", "client"],
      ][index % 3] as [number, string, string];
      const counts = {
        messages: { fromClient: 40 * index, fromBackend: 90 * index },
        bytes: { fromClient: 4100 * index, fromBackend: 9000 * index },
      };
      server.emit("closed", {
        ...about,
        at: at(seconds - 30),
        session,
        code,
        reason,
        by,
        duration: 4 + 7 * index,
        ...counts,
      });
      continue;
    }
    const messages = { fromClient: 12 * index, fromBackend: 31 * index };
    const bytes = { fromClient: 1400 * index, fromBackend: 8800 * index };
    const { client: name = "", address, route: on = "" } = about;
    server.open(session, { since: about.at, client: name, address, route: on, messages, bytes });
  }
  const cause = "the token expired 42 s ago; the issuer's clock may be wrong";
  const expired = { status: 401, reason: "CredentialExpired", policy: "authentication", cause, millis: 0.71 };
  const begun = { at: at(6), client: undefined, route: "prices", address: "198.51.100.23", path: "/prices/live" };
  server.handshake({ ...begun, ...expired, steps: steps("authentication", "CredentialExpired") });
}

/** The metrics of that gateway, so many steps later. */
export function sceneMetrics(step: number): string {
  const wave = Math.round(260 * Math.sin(step / 1.7));
  return [
    `wsproxy_connections{proxy="demo/chat"} ${1842 + Math.round(9 * Math.sin(step))}`,
    `wsproxy_buffered_bytes ${48_000 + Math.round(9000 * Math.sin(step))}`,
    `wsproxy_handshakes_total{status="101",reason="Accepted"} ${9000 + 26 * step + 6 * Math.sin(step * 1.3)}`,
    `wsproxy_handshakes_total{status="401",reason="CredentialExpired"} ${300 + 3 * step + Math.sin(step)}`,
    `wsproxy_messages_total ${1_000_000 + 4200 * step + wave}`,
    `wsproxy_bytes_total ${90_000_000 + 2_600_000 * step + 900 * wave}`,
    "",
  ].join("\n");
}
