import { ApiError } from "../../../operator/kube/api-error.ts";
import { oneLine } from "../../connect/terminal-text.ts";
import { LiveFailure } from "../live-failure.ts";

/** A right that a call needs, in the words of a Role: `get` on `secrets`. */
export interface Right {
  readonly verbs: readonly string[];
  readonly resource: string;
  /** Name of the one object that is meant. */
  readonly name?: string;
  readonly namespace: string;
}

/** Causes of which the message is about the network, and can be shown. */
const NETWORK = /^(E[A-Z]+|ERR_TLS_[A-Z_]+|[A-Z_]*CERT[A-Z_]*|UNABLE_TO_[A-Z_]+)$/;

/** Why a call to the API server failed, in one sentence. Any error that is not of a call is thrown on. */
export function clusterFailure(error: unknown, right: Right): LiveFailure {
  if (error instanceof LiveFailure) return error;
  if (!(error instanceof ApiError)) throw error;
  const { status, reason } = error;
  if (status === 403) return new LiveFailure("NoRight", missing(right), { cause: error });
  if (status === 401) {
    const words = "the API server does not accept the credentials of the kubeconfig; log in again";
    return new LiveFailure("NoRight", words, { cause: error });
  }
  if (status !== 0) {
    const words = `the API server answers ${status} ${oneLine(reason)}: ${oneLine(error.words)}`;
    return new LiveFailure(status < 500 ? "Refused" : "Unreachable", words, { cause: error });
  }
  if (reason === "TimedOut") {
    return new LiveFailure("Unreachable", "the API server gives no answer in time", { cause: error });
  }
  const why = networkFault(error.cause);
  // Words of an exec plugin may hold a credential.
  const words =
    why === undefined
      ? "the API server cannot be asked: the kubeconfig gives no usable credentials, or its connection breaks; try kubectl with the same context"
      : `the API server cannot be reached: ${oneLine(why)}`;
  return new LiveFailure("Unreachable", words, { cause: error });
}

function missing({ verbs, resource, name, namespace }: Right): string {
  const what = `${verbs.map((verb) => `"${verb}"`).join(" and ")} on ${resource}`;
  return `your account lacks a right in namespace ${namespace}: ${what}${name === undefined ? "" : ` (the one named ${name})`}`;
}

function networkFault(cause: unknown): string | undefined {
  for (let error = cause, depth = 0; error instanceof Error && depth < 4; error = error.cause, depth += 1) {
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code === "string" && NETWORK.test(code))
      return error.message === "" ? code : error.message.slice(0, 200);
  }
  return undefined;
}
