import type { TestProject } from "vitest/node";
import { ControlPlane } from "./control-plane.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** File for clients of the control plane that all tests share; each test has a namespace of its own. */
    readonly kubeconfig: string;
  }
}

/** One control plane for all files: started before the first, ended after the last. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const plane = await ControlPlane.start();
  project.provide("kubeconfig", plane.kubeconfig);
  return () => plane.stop();
}
