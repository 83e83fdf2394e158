import type { TestProject } from "vitest/node";
import { ControlPlane } from "./control-plane.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Kubeconfig file of the control plane that all tests share; each test uses a namespace of its own. */
    readonly kubeconfig: string;
  }
}

/** Starts one control plane before the first test file; the returned function ends it after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const plane = await ControlPlane.start();
  project.provide("kubeconfig", plane.kubeconfig);
  return () => plane.stop();
}
