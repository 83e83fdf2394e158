import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { NextCommands } from "./next-commands.ts";

const typed = {
  in: "cluster",
  proxy: "chat",
  namespace: undefined,
  context: undefined,
  kubeconfig: undefined,
} as const;

test("commands have the namespace of the proxy, and the context and kubeconfig that were typed", () => {
  const plain = new NextCommands(typed, "demo");
  expect(plain.kubectl("describe", "pod", "chat-a")).toBe("kubectl --namespace demo describe pod chat-a");
  expect(plain.wsproxy("trace", "--refused")).toBe("wsproxy trace --namespace demo chat --refused");
  const there = new NextCommands({ ...typed, context: "prod", kubeconfig: "/k/config" }, "demo");
  expect(there.kubectlElsewhere("get", "pods")).toBe("kubectl --kubeconfig /k/config --context prod get pods");
  expect(there.wsproxy("sessions", "--watch")).toBe(
    "wsproxy sessions --kubeconfig /k/config --context prod --namespace demo chat --watch",
  );
});

test("of a process the URL and the file of its token are there, never the token", () => {
  const url = new URL("http://127.0.0.1:9090/sessions");
  const secret = new NextCommands({ in: "process", url, token: "secret", tokenFile: undefined }, undefined);
  expect(secret.wsproxy("sessions")).toBe('wsproxy sessions --url http://127.0.0.1:9090 --token "$TOKEN"');
  const file = new NextCommands({ in: "process", url, token: undefined, tokenFile: "/my token" }, undefined);
  expect(file.wsproxy("sessions")).toBe("wsproxy sessions --url http://127.0.0.1:9090 --token-file '/my token'");
  const one = { name: "chat", namespace: "demo" };
  const only = new NextCommands({ in: "process", url, token: "secret", tokenFile: undefined, proxy: one }, undefined);
  expect(only.wsproxy("trace", "--refused")).toBe(
    'wsproxy trace --url http://127.0.0.1:9090 --token "$TOKEN" --namespace demo chat --refused',
  );
});

test("a shell reads every word back as it is, and runs nothing in it", () => {
  const words = ["$(touch /tmp/x)", "`id`", "it's", "a b", "", "; rm -rf /", "$HOME", "*", "-n", "é"];
  const line = new NextCommands(typed, undefined).kubectl(...words).replace("kubectl", "printf '%s\\n' --");
  expect(execFileSync("sh", ["-c", line], { encoding: "utf8" }).split("\n").slice(1, -1)).toEqual(words);
  const hostile = new NextCommands(typed, undefined).kubectl("a\nrm x", "\u001b[2J", "\u202ecod");
  expect(hostile).toBe("kubectl 'a\ufffdrm x' '\ufffd[2J' '\ufffdcod'");
});
