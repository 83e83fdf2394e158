import { afterEach, expect, test, vi } from "vitest";
import { ENGINE, FakeMachine, LOCAL, type Machine } from "../machine/fake-machine.ts";
import { chooseProvider, UnfitMachine } from "./choose-provider.ts";

const machines: FakeMachine[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const machine of machines.splice(0)) machine.remove();
});

function on(machine: Machine): void {
  const fake = new FakeMachine(machine);
  machines.push(fake);
  for (const [name, value] of Object.entries(fake.env)) vi.stubEnv(name, value);
}

async function refusal(asked?: string): Promise<string> {
  const error: unknown = await chooseProvider(asked, ["prometheus"]).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UnfitMachine);
  const { message } = error as Error;
  expect(message.split("\n")).toHaveLength(1);
  return message;
}

const withDocker = (docker: string): Machine => ({ ...LOCAL, scripts: { docker } });

test("kind where Docker or podman answers", async () => {
  on(withDocker(ENGINE.answers));
  expect((await chooseProvider(undefined)).name).toBe("kind");
  expect((await chooseProvider("kind")).name).toBe("kind");
  expect((await chooseProvider("local")).name).toBe("local");
  on({ ...LOCAL, scripts: { podman: ":" } });
  expect((await chooseProvider(undefined)).name).toBe("kind");
});

test.each(["hasNoDaemon", "hasNoDaemonAndNoStatus", "hangs"] as const)(
  "the local cluster where Docker %s",
  async (what) => {
    on(withDocker(ENGINE[what]));
    expect((await chooseProvider(undefined)).name).toBe("local");
  },
);

test("without a daemon and without the packages: both stand in one line, before anything is built", async () => {
  on({ scripts: { docker: ENGINE.hasNoDaemon } });
  const message = await refusal();
  expect(message).toMatch(/^this machine cannot run the local cluster: missing, install with: apt-get install -y /);
  for (const name of ["containerd", "buildah", "debootstrap", "conntrack", "containernetworking-plugins", "prometheus"])
    expect(message).toContain(` ${name}`);
  expect(message).toContain("not kind, because docker does not answer (Cannot connect to the Docker daemon at unix:");
});

test("kind that is asked for says why there is none", async () => {
  on(withDocker(ENGINE.hangs));
  expect(await refusal("kind")).toBe(
    "WSPROXY_E2E_PROVIDER is kind, and there is no engine for it: docker gave no answer in 1 s; podman is not installed",
  );
});

test("kind names all that it lacks, too", async () => {
  on({ scripts: { podman: ":" } });
  expect(await refusal()).toBe(
    "this machine cannot run kind: the image is built with buildah or with docker, and docker is not installed" +
      "; missing, install with: apt-get install -y iproute2 buildah curl unzip prometheus",
  );
});

test("any other provider is a typing error", async () => {
  expect(await refusal("k3s")).toBe('WSPROXY_E2E_PROVIDER is "k3s", and neither kind nor local');
});
