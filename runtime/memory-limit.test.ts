import { expect, test } from "vitest";
import { memoryLimit, thisMachine } from "./memory-limit.ts";

const GiB = 2 ** 30;

/** A machine of 16 GiB with these files. */
function machine(files: Readonly<Record<string, string>>) {
  return { total: 16 * GiB, read: (path: string) => files[path] };
}

test.each<[string, Readonly<Record<string, string>>, number | undefined]>([
  [
    "a pod with a limit, cgroup v2 in a namespace of its own",
    { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912\n" },
    536_870_912,
  ],
  ["a pod without", { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n" }, undefined],
  [
    "a service, whose slice has the smaller limit",
    {
      "/proc/self/cgroup": "0::/system.slice/gateway.service\n",
      "/sys/fs/cgroup/system.slice/gateway.service/memory.max": "4294967296\n",
      "/sys/fs/cgroup/system.slice/memory.max": "1073741824\n",
    },
    GiB,
  ],
  [
    "a container that shares the host's cgroup namespace, and sees its own files at the root of the mount",
    { "/proc/self/cgroup": "0::/kubepods/pod1/abc\n", "/sys/fs/cgroup/memory.max": "268435456\n" },
    268_435_456,
  ],
  [
    "cgroup v1",
    {
      "/proc/self/cgroup": "9:cpu,cpuacct:/x\n4:memory:/docker/abc\n",
      "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "134217728\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    },
    134_217_728,
  ],
  [
    "cgroup v1 without a limit, which is a very large number there",
    {
      "/proc/self/cgroup": "4:memory:/\n0::/\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    },
    undefined,
  ],
  [
    "a limit above what the host has",
    { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": `${32 * GiB}\n` },
    undefined,
  ],
  [
    "a file with nothing sensible in it",
    { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "lots\n" },
    undefined,
  ],
  ["a limit of 0", { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "0\n" }, undefined],
  ["no cgroups at all", {}, undefined],
])("%s", (_what, files, limit) => {
  expect(memoryLimit(machine(files))).toBe(limit);
});

test("the limit of this machine can be read, if it has one", () => {
  const here = thisMachine();
  expect(memoryLimit(here) ?? 1).toBeGreaterThan(0);
  expect(here.total).toBeGreaterThan(0);
});
