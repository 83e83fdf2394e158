import { describe, expect, test } from "vitest";
import { close, frame, parse, text } from "../../test/fakes/frames.ts";
import { until } from "../../test/fakes/sockets.ts";
import { joinedOver, READ_PATHS } from "../../test/fakes/tunnel.ts";

const mask = true;

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);

  test("whoever breaks the protocol while the session is being closed is cut off, with nothing of it forwarded", async () => {
    const it = await joined();
    it.client.send(close(1000, "", mask));
    await until("the Close arrived", () => it.backend.received.length > 0);
    it.backend.send(text("whole"), text("masked", mask), text("after the fault"));
    await until("both ends hang up", () => it.client.ended && it.backend.ended);
    expect(it.client.received.equals(text("whole"))).toBe(true);
    it.client.socket.end();
    it.backend.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 1000, by: "client" });
  });

  test("bytes behind a broken frame that come later are not forwarded either", async () => {
    const it = await joined();
    it.client.send(close(1000, "", mask));
    await until("the Close arrived", () => it.backend.received.length > 0);
    it.backend.send(frame({ opcode: 3, payload: "x" }));
    await until("the client's end", () => it.client.ended);
    it.backend.send(text("later"));
    it.client.socket.end();
    it.backend.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.client.received).toHaveLength(0);
  });

  test("a client that answers the backend's Close by leaving is passed on at once", async () => {
    const it = await joined();
    it.backend.send(close(1000));
    await until("the Close arrived", () => it.client.received.length > 0);
    it.client.socket.end();
    await until("the backend sees the end", () => it.backend.ended, 3000);
    expect(it.backend.received).toHaveLength(0);
    it.backend.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 1000, by: "backend" });
  });

  test("a backend that sends its last right behind its Close still gets the client's answer", async () => {
    const it = await joined();
    it.backend.send(close(4000, "done"));
    it.backend.socket.end();
    await until("the Close arrived", () => parse(it.client.received).frames.length === 1);
    it.client.send(close(4000, "done", mask));
    await until("the answer arrived", () => it.backend.received.length > 0);
    expect(it.backend.received.equals(close(4000, "done", mask))).toBe(true);
    await until("both ends hang up", () => it.client.ended && it.backend.ended);
    it.client.socket.end();
    await until("the end", () => it.ends.length === 1);
  });

  test("a client that sends its last right behind its Close still gets the backend's answer", async () => {
    const it = await joined();
    it.client.send(close(4000, "done", mask));
    it.client.socket.end();
    await until("the Close arrived", () => it.backend.received.length > 0);
    it.backend.send(text("wait"), close(4000, "done"));
    await until("the answer arrived", () => parse(it.client.received).frames.length === 2);
    await until("both ends hang up", () => it.client.ended && it.backend.ended);
    it.backend.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 4000, by: "client" });
  });

  test.each(["FIN", "RST"])("all that came before a backend's %s is delivered before the 1014", async (how) => {
    const it = await joined();
    it.client.socket.pause();
    const message = frame({ opcode: 2, payload: Buffer.alloc(50_000, 9) });
    for (let n = 0; n < 20; n += 1) it.backend.send(message);
    await until("the gateway has it", () => it.counts.fromBackend.bytes === 1_000_000);
    if (how === "FIN") it.backend.socket.end();
    else it.backend.socket.resetAndDestroy();
    it.client.socket.resume();
    await until("all of it", () => parse(it.client.received).frames.length === 21);
    expect(parse(it.client.received).frames.at(-1)?.opcode).toBe(8);
    it.client.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 1014, by: "backend" });
  });

  test("a backend that leaves behind more than was read yet loses none of it", async () => {
    const it = await joined();
    it.client.socket.pause();
    const message = frame({ opcode: 2, payload: Buffer.alloc(50_000, 9) });
    for (let n = 0; n < 200; n += 1) it.backend.send(message);
    it.backend.socket.end();
    await until("the gateway waits for the client", () => it.tunnel.paused);
    it.client.socket.resume();
    await until("all of it", () => parse(it.client.received).frames.length === 201);
    it.client.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: 1014, by: "backend" });
  });
});
