import { connect as connectTcp } from "node:net";
import { connect } from "node:tls";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { tooMuchInEachRound } from "../../test/fakes/rounds.ts";
import { until } from "../../test/fakes/sockets.ts";
import { allowAll, issued, reviewOf, WebhookBench } from "../../test/fakes/webhook.ts";

const BIG = "x".repeat(1000);

describe("a call", () => {
  test("is answered with the response in an AdmissionReview", async () => {
    const bench = await WebhookBench.open({
      answer: () => ({ uid: "u1", allowed: true, patchType: "JSONPatch", patch: "W10=" }),
    });
    const { status, headers, body } = await bench.call();
    expect([status, headers["content-type"]]).toEqual([200, "application/json; charset=utf-8"]);
    expect(JSON.parse(body)).toEqual({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: { uid: "u1", allowed: true, patchType: "JSONPatch", patch: "W10=" },
    });
    expect(bench.results).toEqual(["injected"]);
  });

  test("is counted by how it ended", async () => {
    const bench = await WebhookBench.open({
      answer: (review) => ({ uid: "", allowed: JSON.stringify(review).includes("good") }),
    });
    await bench.call(reviewOf("good"));
    await bench.call(reviewOf("bad"));
    await bench.call("no");
    expect(bench.results).toEqual(["unchanged", "refused", "invalid"]);
  });

  test.each([
    ["another path", { path: "/" }, 404, "POST /inject is all that is served here"],
    ["a path below it", { path: "/inject/x" }, 404, "POST /inject is all"],
    ["GET", { method: "GET" }, 405, "POST only"],
    ["PUT", { method: "PUT" }, 405, "POST only"],
    ["text", { headers: { "content-type": "text/plain" } }, 415, "must be application/json"],
    ["a type that only begins so", { headers: { "content-type": "application/json5" } }, 415, "application/json"],
    ["no type", { headers: { "content-type": "" } }, 415, "must be application/json"],
    ["a compressed body", { headers: { "content-encoding": "gzip" } }, 415, "must not be compressed"],
  ])("W1 with %s is refused in plain words", async (_, options, wanted, words) => {
    const bench = await WebhookBench.open();
    const { status, headers, body } = await bench.call(reviewOf(), options);
    expect([status, headers["content-type"]]).toEqual([wanted, "text/plain; charset=utf-8"]);
    expect(body).toContain(words);
    expect(headers["allow"]).toBe(wanted === 405 ? "POST" : undefined);
    expect(bench.results).toEqual(["invalid"]);
  });

  test.each([
    ["empty", "", "not JSON"],
    ["cut off", reviewOf().slice(0, -1), "not JSON"],
    ["of two values", "{}{}", "not JSON"],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0x22]), "not UTF-8"],
    ["no review", "null", "no AdmissionReview"],
    ["a bomb of lists", "[".repeat(2_000_000), "nests more than 64"],
    ["a bomb of objects", '{"a":'.repeat(100_000), "nests more than 64"],
    ["a crowd of values", `[${"0,".repeat(300_000)}0]`, "more than 300000 values"],
  ])("W2 with a body that is %s is told so", async (_, body, words) => {
    const bench = await WebhookBench.open();
    const answer = await bench.call(body);
    expect([answer.status, answer.body]).toEqual([400, expect.stringContaining(words)]);
  });

  test("may have a charset, and send its body in chunks without a length", async () => {
    const bench = await WebhookBench.open();
    const chunked = { "content-type": "application/json; charset=utf-8", "transfer-encoding": "chunked" };
    expect((await bench.call(reviewOf("u7", 200_000), { headers: chunked })).body).toContain('"uid":"u7"');
  });

  test("with a pod of 3 MiB is answered within a second", async () => {
    const call = async (): Promise<{ took: number }> => {
      const bench = await WebhookBench.open();
      const began = performance.now();
      expect((await bench.call(reviewOf("large", 3 * 1024 * 1024))).status).toBe(200);
      return { took: performance.now() - began };
    };
    expect(await tooMuchInEachRound({ took: 1000 }, call)).toEqual({});
  });

  test("in which the decision fails gets 500, says nothing of the fault, and is logged; the next one is answered", async () => {
    let faulty = true;
    const bench = await WebhookBench.open({
      answer: (review) => {
        if (faulty) throw new Error("inner words");
        return allowAll(review);
      },
    });
    const agent = bench.agent();
    expect(await bench.call(reviewOf(), { agent })).toMatchObject({
      status: 500,
      body: "internal fault; the operator's log says more\n",
    });
    expect(JSON.stringify(bench.logged)).toContain("inner words");
    faulty = false;
    expect((await bench.call(reviewOf(), { agent })).status).toBe(200);
    expect(bench.results).toEqual(["failed", "unchanged"]);
  });

  test("gets 503 while the operator does not know all proxies", async () => {
    const bench = await WebhookBench.open({ ready: () => false });
    expect((await bench.call()).status).toBe(503);
    expect(bench.server.usable).toBe(false);
  });

  test("may be one of a hundred at once", async () => {
    const bench = await WebhookBench.open();
    const calls = Array.from({ length: 100 }, (_, n) => bench.call(reviewOf(`u${n}`)));
    const answers = await Promise.all(calls);
    const uids = answers.map(({ body }) => (JSON.parse(body) as { response: { uid: string } }).response.uid);
    expect(uids).toEqual(Array.from({ length: 100 }, (_, n) => `u${n}`));
  });

  test("does not cost its connection", async () => {
    const bench = await WebhookBench.open();
    const agent = bench.agent();
    for (let n = 0; n < 5; n += 1) await bench.call(reviewOf(`u${n}`), { agent });
    expect(bench.server.connections).toBe(1);
  });

  test("by a caller that leaves in the middle harms no other", async () => {
    const bench = await WebhookBench.open();
    for (let n = 0; n < 20; n += 1) {
      const peer = await bench.secured();
      peer.send(
        Buffer.from(
          `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{`,
        ),
      );
      if (n % 2 === 0) peer.socket.destroy();
      else peer.socket.end();
    }
    expect((await bench.call()).status).toBe(200);
    await until("their connections are gone", () => bench.server.connections <= 1);
  });
});

describe("a body that is too large", () => {
  test("W3 is refused by its length, before it is read", async () => {
    const bench = await WebhookBench.open();
    const peer = await bench.secured();
    peer.send(
      Buffer.from(
        `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4194305\r\n\r\n`,
      ),
    );
    await until("it is answered", () => peer.closed);
    expect(peer.received.toString()).toMatch(/^HTTP\/1\.1 413 [^]*larger than 4194304 bytes\n$/);
  });

  test("W3 in chunks is refused when it exceeds the bound, and read no further", async () => {
    const bench = await WebhookBench.open();
    const peer = await bench.secured();
    peer.send(
      Buffer.from(
        `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
      ),
    );
    const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(0x10000, 0x20), Buffer.from("\r\n")]);
    let sent = 0;
    const write = (): void => {
      while (sent < 100 * 1024 * 1024 && !peer.socket.destroyed) {
        sent += chunk.length;
        if (!peer.socket.write(chunk)) return void peer.socket.once("drain", write);
      }
    };
    write();
    await until("it is closed", () => peer.closed);
    expect(peer.received.toString()).toMatch(/^HTTP\/1\.1 413 /);
    // Beyond what was read: the buffers of the two kernels and of TLS.
    expect(sent).toBeLessThan(20 * 1024 * 1024);
  });
});

describe("a connection", () => {
  test("that pipelines requests is closed", async () => {
    const bench = await WebhookBench.open();
    const peer = await bench.secured();
    const body = reviewOf();
    const head = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    peer.send(Buffer.from(`${head}${body}`.repeat(1000)));
    await until("it is closed", () => peer.closed);
    expect(bench.closed).toEqual(["Pipelined"]);
    expect(bench.results).toEqual([]);
  });

  test.each([
    ["no request", "NONSENSE\r\n\r\n", "400 Bad Request"],
    ["a head that is too large", `POST /inject HTTP/1.1\r\nHost: x\r\nA: ${BIG.repeat(20)}\r\n\r\n`, "431 "],
  ])("with %s is told so and closed", async (_, bytes, status) => {
    const bench = await WebhookBench.open();
    const peer = await bench.secured();
    peer.send(Buffer.from(bytes));
    await until("it is closed", () => peer.closed);
    expect(peer.received.toString()).toContain(`HTTP/1.1 ${status}`);
    expect(bench.closed).toEqual(["Malformed"]);
  });

  test("W11 needs TLS 1.2 or newer; HTTP/2 is not offered", async () => {
    const bench = await WebhookBench.open();
    const old = connect({
      port: bench.port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    });
    let failed = false;
    old.on("error", () => (failed = true));
    await until("TLS 1.1 fails", () => failed);
    const both = connect({
      port: bench.port,
      host: "127.0.0.1",
      ca: bench.pair?.ca,
      servername: "hook.test",
      ALPNProtocols: ["h2", "http/1.1"],
    });
    await until("it is there", () => both.alpnProtocol !== null);
    expect(both.alpnProtocol).toBe("http/1.1");
    both.destroy();
    await until("the failed handshake is counted", () => bench.closed.includes("TLS"));
  });

  test("W4 that never sends a whole head is closed after 5 s, and no time is left to one that dribbles", async () => {
    const clock = new FakeClock();
    const bench = await WebhookBench.open({ clock });
    const silent = connectTcp(bench.port, "127.0.0.1");
    let silentClosed = false;
    silent.on("error", () => {}).on("close", () => (silentClosed = true));
    silent.resume();
    const slow = await bench.secured();
    slow.send(Buffer.from("POST /inject HTTP/1.1\r\nHo"));
    await until("both are there", () => bench.server.connections === 2);
    clock.advance(3000);
    slow.send(Buffer.from("st: x\r\n"));
    clock.advance(1999);
    expect(bench.server.connections).toBe(2);
    clock.advance(1);
    await until("both are closed", () => slow.closed && silentClosed);
    expect(bench.closed).toEqual(["Late", "Late"]);
  });

  test("W4 whose body comes too slowly gets 408 after 4 s", async () => {
    const clock = new FakeClock();
    const bench = await WebhookBench.open({ clock });
    const slow = await bench.secured();
    slow.send(
      Buffer.from("POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"),
    );
    await until("its head is read", () => clock.has(4000));
    clock.advance(3999);
    slow.send(Buffer.from('"a"'));
    expect(slow.received.length).toBe(0);
    clock.advance(1);
    await until("it is closed", () => slow.closed);
    expect(slow.received.toString()).toMatch(/^HTTP\/1\.1 408 [^]*did not come in time\n$/);
  });

  test("W4 that does not take its answer is closed after 5 s", async () => {
    const clock = new FakeClock();
    const warnings = ["x".repeat(20 * 1024 * 1024)];
    const bench = await WebhookBench.open({ clock, answer: () => ({ uid: "u1", allowed: true, warnings }) });
    const deaf = await bench.secured();
    deaf.socket.pause();
    const body = reviewOf();
    deaf.send(
      Buffer.from(
        `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      ),
    );
    await until("it is answered", () => bench.results.length === 1);
    clock.advance(4999);
    expect(bench.server.connections).toBe(1);
    clock.advance(1);
    expect(bench.server.connections).toBe(0);
    expect(bench.closed).toEqual(["Late"]);
  });

  test("that is idle stays for longer than an API server leaves it idle, and is closed after 2 minutes", async () => {
    const clock = new FakeClock();
    const bench = await WebhookBench.open({ clock });
    const agent = bench.agent();
    await bench.call(reviewOf(), { agent });
    await until("it is idle", () => clock.has(120_000));
    clock.advance(91_000);
    await bench.call(reviewOf(), { agent });
    await until("it is idle again", () => clock.has(120_000));
    expect(bench.server.connections).toBe(1);
    clock.advance(120_000);
    await until("it is closed", () => bench.server.connections === 0);
  });
});

describe("the certificate", () => {
  test("is awaited: until there is one, connections are closed at once, and the server is not usable", async () => {
    const bench = new WebhookBench();
    await bench.listen();
    await expect(bench.call()).rejects.toThrow(/ECONNRESET|disconnected/);
    expect(bench.server.usable).toBe(false);
    expect(bench.closed).toEqual(["NoCertificate"]);
    bench.use(await issued());
    expect(bench.server.usable).toBe(true);
    expect((await bench.call()).status).toBe(200);
  });

  test("is changed while calls run, and none fails", async () => {
    const bench = await WebhookBench.open();
    const pairs = await Promise.all(Array.from({ length: 5 }, issued));
    const trusted = [...pairs, bench.pair].map((pair) => pair?.ca ?? "");
    const over = new AbortController();
    const agent = bench.agent();
    const caller = async (reuse: boolean): Promise<number> => {
      let calls = 0;
      while (!over.signal.aborted) {
        const answer = await bench.call(reviewOf(), { ca: trusted, ...(reuse ? { agent } : {}) });
        expect(answer.status).toBe(200);
        calls += 1;
      }
      return calls;
    };
    const callers = Promise.all([true, true, false, false].map((reuse) => caller(reuse)));
    for (const pair of pairs) {
      const before = bench.results.length;
      bench.use(pair);
      await until("calls came with it", () => bench.results.length > before + 8);
    }
    over.abort();
    const calls = await callers;
    expect(Math.min(...calls)).toBeGreaterThan(0);
    expect(bench.closed).toEqual([]);
    expect((await bench.call()).status).toBe(200); // trusts the last one only
  });

  test("that TLS cannot use is refused, and the one before it stays", async () => {
    const bench = await WebhookBench.open();
    const good = bench.pair;
    expect(() => bench.use({ ca: "", key: "no key", cert: "no certificate" })).toThrow("PEM");
    bench.pair = good;
    expect((await bench.call()).status).toBe(200);
  });
});

describe("a server that stops", () => {
  test("serves on for 5 s, asks its callers to go, and then ends", async () => {
    const clock = new FakeClock();
    const bench = await WebhookBench.open({ clock });
    const stop = new AbortController();
    let ended = false;
    const run = bench.server.run(stop.signal).then(() => (ended = true));
    const idle = await bench.secured();
    stop.abort();
    await until("it waits", () => clock.has(5000));
    const { status, headers } = await bench.call();
    expect([status, headers.connection]).toEqual([200, "close"]);
    clock.advance(4999);
    expect((await bench.call()).status).toBe(200);
    expect(idle.closed).toBe(false);
    clock.advance(1);
    await run;
    expect(ended).toBe(true);
    await until("idle connections are closed", () => idle.closed);
    await expect(bench.call()).rejects.toThrow("ECONNREFUSED");
  });

  test("lets a call under way end, for 5 s more at the most", async () => {
    const clock = new FakeClock();
    const bench = await WebhookBench.open({ clock });
    const stop = new AbortController();
    const run = bench.server.run(stop.signal);
    stop.abort();
    await until("it waits", () => clock.has(5000));
    clock.advance(4000);
    const body = reviewOf();
    const [slow, never] = await Promise.all([bench.secured(), bench.secured()]);
    for (const peer of [slow, never]) {
      peer.send(
        Buffer.from(
          `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
        ),
      );
    }
    await until("both are read", () => bench.server.connections === 2 && clock.has(4000));
    clock.advance(1000);
    slow.send(Buffer.from(body.slice(5)));
    await until("it is answered", () => slow.received.toString().startsWith("HTTP/1.1 200"));
    clock.advance(5000);
    await run;
    await until("the other is closed", () => never.closed);
  });
});
