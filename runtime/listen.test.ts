import { once } from "node:events";
import { connect, createServer, isIPv6, type ListenOptions, type Server, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { ipv6 } from "../test/fakes/ipv6.ts";
import { listen } from "./listen.ts";

function server(): Server {
  const one = createServer((socket) => socket.end(`hello ${socket.remoteAddress}`));
  onTestFinished(() => void one.close());
  return one;
}

/** What a server that was asked for an IPv6 address says on a machine that has none. */
function withoutIpv6(one: Server, code: string): Server {
  const real = one.listen.bind(one);
  one.listen = ((options: ListenOptions) => {
    if (!isIPv6(options.host ?? "")) return real(options);
    process.nextTick(() => one.emit("error", Object.assign(new Error(`listen ${code}`), { code })));
    return one;
  }) as Server["listen"];
  return one;
}

async function hello(host: string, port: number): Promise<string> {
  const socket: Socket = connect({ host, port });
  const [chunk] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return chunk.toString();
}

test.skipIf(!ipv6)("on :: clients of both families are taken", async () => {
  const { address, port } = await listen(server(), { host: "::", port: 0 });
  expect(address).toBe("::");
  expect(await hello("::1", port)).toBe("hello ::1");
  expect(await hello("127.0.0.1", port)).toBe("hello ::ffff:127.0.0.1");
});

test("a fixed address is that address alone", async () => {
  const { address, port } = await listen(server(), { host: "127.0.0.1", port: 0 });
  expect(address).toBe("127.0.0.1");
  await expect(hello("127.0.0.2", port)).rejects.toThrow("ECONNREFUSED");
});

test.each(["EAFNOSUPPORT", "EADDRNOTAVAIL"])("where there is no IPv6 (%s) :: is 0.0.0.0", async (code) => {
  const one = withoutIpv6(server(), code);
  const { address, port } = await listen(one, { host: "::", port: 0 });
  expect(address).toBe("0.0.0.0");
  expect(await hello("127.0.0.1", port)).toBe("hello 127.0.0.1");
  expect(one.listenerCount("listening")).toBe(0);
});

test("an IPv6 address that the machine does not have is not replaced by another", async () => {
  const one = withoutIpv6(server(), "EADDRNOTAVAIL");
  await expect(listen(one, { host: "::1", port: 0 })).rejects.toThrow("EADDRNOTAVAIL");
});

test("a port on :: that another process has is not opened for IPv4 alone", async () => {
  const { port } = await listen(server(), { host: "::", port: 0 });
  await expect(listen(server(), { host: "::", port })).rejects.toThrow("EADDRINUSE");
});

test("what goes wrong on an open port ends nothing", async () => {
  const one = server();
  const { port } = await listen(one, { host: "::", port: 0 });
  one.emit("error", new Error("no descriptor is left"));
  expect(await hello("127.0.0.1", port)).toContain("hello");
});
