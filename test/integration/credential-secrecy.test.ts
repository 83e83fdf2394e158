import { expect, onTestFinished, test } from "vitest";
import { RawClient, request } from "../fakes/clients.ts";
import { apiKeyPolicy, Bench, SECRET } from "../fakes/oracle.ts";

const PLACES = [
  { header: "x-api-key" },
  { query: "apikey" },
  { cookie: "wsproxy-key" },
  { subprotocol: "wsproxy.key" },
  { subprotocol: "raw-key", encoding: "Raw" },
];
const token = Buffer.from(SECRET).toString("base64url");

test.each<[string, Record<string, string>, string, string]>([
  ["header", { "X-Api-Key": SECRET }, "/?a=b", "/?a=b"],
  ["query", {}, `/?a=b&apikey=${SECRET}&c=d`, "/?a=b&c=d"],
  ["encoded query", {}, `/?%61pikey=${SECRET}`, "/"],
  ["cookie", { Cookie: `a=b; wsproxy-key=${SECRET}; c=d` }, "/", "/"],
  ["subprotocol", { "Sec-WebSocket-Protocol": `wsproxy.key.${token}, chat` }, "/", "/"],
  ["raw subprotocol", { "Sec-WebSocket-Protocol": `chat, raw-key.${SECRET}` }, "/", "/"],
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

test.each([
  ["base64url", `wsproxy.key.${token}`],
  ["raw", `raw-key.${SECRET}`],
])(
  "D13 where the backend gets the credential and chooses its subprotocol (%s), the client has its answer, and no log or page the credential",
  async (_encoding, offered) => {
    const bench = await new Bench().open({
      path: { type: "Prefix", value: "/" },
      policies: { authentication: apiKeyPolicy(PLACES), forwarding: { keepCredentials: true } },
    });
    onTestFinished(() => bench.close());
    bench.script = (connection) => connection.accept([`Sec-WebSocket-Protocol: ${offered}`]);
    const client = await RawClient.send(
      bench.gateway.port,
      request({ headers: { "Sec-WebSocket-Protocol": `${offered}, chat` } }),
    );
    const answer = await client.answer();
    expect([answer.status, answer.headers.get("sec-websocket-protocol")]).toEqual([101, offered]);
    const { body } = await bench.gateway.admin("/sessions");
    expect(body).toContain('"id"');
    for (const spelling of [SECRET, token]) expect(body).not.toContain(spelling);
    client.socket.destroy();
    bench.backend.last.socket.destroy();
    await bench.gateway.empty();
    await bench.expectNoSecret();
  },
);

test.each([
  ["a token as it is", `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.${"c2lnbmF0dXJlMQ".repeat(6)}`, undefined],
  ["a key behind a name", `bearer.${SECRET}`, undefined],
  ["a subprotocol with a version", "json.reliable.webpubsub.azure.v1", "json.reliable.webpubsub.azure.v1"],
  ["a long subprotocol", "graphql-transport-ws", "graphql-transport-ws"],
])(
  "D13 where the backend chooses a subprotocol that the route does not read, the client has it; a log and a page, if it cannot be a credential: %s",
  async (_what, offered, shown) => {
    const bench = await new Bench().open({
      path: { type: "Prefix", value: "/" },
      policies: { authentication: apiKeyPolicy([{ query: "apikey" }]) },
    });
    onTestFinished(() => bench.close());
    bench.script = (connection) => connection.accept([`Sec-WebSocket-Protocol: ${offered}`]);
    const handshake = request({ target: `/?apikey=${SECRET}`, headers: { "Sec-WebSocket-Protocol": offered } });
    const client = await RawClient.send(bench.gateway.port, handshake);
    expect((await client.answer()).headers.get("sec-websocket-protocol")).toBe(offered);
    const { body } = await bench.gateway.admin("/sessions");
    expect(body).toContain('"id"');
    expect(body.includes(offered)).toBe(shown !== undefined);
    client.socket.destroy();
    bench.backend.last.socket.destroy();
    await bench.gateway.empty();
    expect(bench.gateway.lines.map(({ fields }) => fields["subprotocol"])).toEqual([shown, shown]);
    await bench.expectNoSecret();
  },
);
