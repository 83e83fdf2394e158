import type { AdminEndpoint, AdminEndpoints } from "./admin-endpoint.ts";

/** Longest segment that an endpoint gets, in characters as they are sent. */
const LONGEST_SEGMENT = 256;

/** A path with one segment that may be any text, cut at that segment. */
interface OpenPath {
  readonly before: string;
  readonly behind: string;
  readonly endpoint: AdminEndpoint;
}

/** The endpoint of a path, with what stands in its place of `{…}`. */
export interface Found {
  readonly endpoint: AdminEndpoint;
  readonly segment?: string;
}

/** Finds the endpoint of a path; an exact path wins over one with a segment of any text. */
export class AdminPaths {
  readonly #exact: AdminEndpoints;
  readonly #open: readonly OpenPath[];

  constructor(endpoints: AdminEndpoints) {
    this.#exact = endpoints;
    this.#open = Object.entries(endpoints).flatMap(([path, endpoint]) => {
      const [, before, behind] = /^(.*\/)\{[a-z]+\}((?:\/.*)?)$/.exec(path) ?? [];
      return before === undefined || behind === undefined ? [] : [{ before, behind, endpoint }];
    });
  }

  /** Undefined: no endpoint has this path. */
  find(path: string): Found | undefined {
    const exact = Object.hasOwn(this.#exact, path) ? this.#exact[path] : undefined;
    if (exact !== undefined && !path.includes("{")) return { endpoint: exact };
    for (const { before, behind, endpoint } of this.#open) {
      if (!path.startsWith(before) || !path.endsWith(behind)) continue;
      const segment = decoded(path.slice(before.length, path.length - behind.length));
      if (segment !== undefined) return { endpoint, segment };
    }
    return undefined;
  }
}

/** Undefined: it is no segment of a path, or a longer one than any endpoint knows. */
function decoded(segment: string): string | undefined {
  if (segment === "" || segment.length > LONGEST_SEGMENT || segment.includes("/")) return undefined;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
