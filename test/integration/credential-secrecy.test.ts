import { expect, onTestFinished, test } from "vitest";
import { RawClient, request } from "../fakes/clients.ts";
import { apiKeyPolicy, Bench, SECRET } from "../fakes/oracle.ts";

const PLACES = [
  { header: "x-api-key" },
  { query: "apikey" },
  { cookie: "wsproxy-key" },
  { subprotocol: "wsproxy.key" },
];
const token = Buffer.from(SECRET).toString("base64url");

test.each<[string, Record<string, string>, string, string]>([
  ["header", { "X-Api-Key": SECRET }, "/?a=b", "/?a=b"],
  ["query", {}, `/?a=b&apikey=${SECRET}&c=d`, "/?a=b&c=d"],
  ["encoded query", {}, `/?%61pikey=${SECRET}`, "/"],
  ["cookie", { Cookie: `a=b; wsproxy-key=${SECRET}; c=d` }, "/", "/"],
  ["subprotocol", { "Sec-WebSocket-Protocol": `wsproxy.key.${token}, chat` }, "/", "/"],
])(
  "D12, D13 a credential in a %s does not reach the backend, the answer or a log",
  async (_where, headers, target, wanted) => {
    const bench = await new Bench().open({
      path: { type: "Prefix", value: "/" },
      policies: { authentication: apiKeyPolicy(PLACES) },
    });
    onTestFinished(() => bench.close());
    bench.script = (connection) =>
      connection.accept(connection.head.includes("chat") ? ["Sec-WebSocket-Protocol: chat"] : []);
    const client = await RawClient.send(bench.gateway.port, request({ target, headers }));
    const answer = await client.answer();
    expect(answer.status).toBe(101);
    if (headers["Sec-WebSocket-Protocol"] !== undefined)
      expect(answer.headers.get("sec-websocket-protocol")).toBe("chat");
    const { head } = bench.backend.last;
    expect(head.split("\r\n", 1)[0]).toBe(`GET ${wanted} HTTP/1.1`);
    if (headers["Cookie"] !== undefined) expect(bench.backend.last.values("cookie")).toEqual(["a=b; c=d"]);
    for (const spelling of [SECRET, token]) expect(head + client.received.toString()).not.toContain(spelling);
    client.socket.destroy();
    bench.backend.last.socket.destroy();
    await bench.gateway.empty();
    await bench.expectNoSecret();
  },
);
