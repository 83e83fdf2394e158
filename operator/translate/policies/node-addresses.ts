import { trafficPolicyOf } from "../../../api/gateway-service.ts";
import type { PoliciesSpec } from "../../../api/policies/index.ts";
import type { WebSocketProxySpec } from "../../../api/websocket-proxy.ts";

interface Found {
  /** The field, as a path below the policies. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** May the gateway see the address of a node in the place of the client's, with no proxy in front that names the client? */
export function seesNodes(header: WebSocketProxySpec | undefined): boolean {
  const service = header?.mode === "Gateway" ? header.gateway?.service : undefined;
  if (header === undefined || service === undefined || header.listener.trustedProxies.length > 0) return false;
  return trafficPolicyOf(service) === "Cluster";
}

const WHY =
  "spec.gateway.service has externalTrafficPolicy Cluster (the default with type NodePort), so a client from outside has the address of a node. Write externalTrafficPolicy: Local, or name the proxies in front of the gateway in spec.listener.trustedProxies";

/** The limits and denials that go by a client's address. */
export function countedByAddress({ attempts, connections, messages, bytes, deny }: PoliciesSpec): Found[] {
  const lists: [readonly (string | number)[], readonly { readonly per: string }[] | undefined][] = [
    [["attempts"], attempts],
    [["connections"], connections],
    [["messages", "fromClient"], messages?.fromClient],
    [["messages", "fromBackend"], messages?.fromBackend],
    [["bytes", "fromClient"], bytes?.fromClient],
    [["bytes", "fromBackend"], bytes?.fromBackend],
  ];
  const limits = lists.flatMap(([path, list = []]) =>
    list.flatMap(({ per }, index) =>
      per === "IP" ? [{ path: [...path, index, "per"], message: `counts nodes, not clients: ${WHY}` }] : [],
    ),
  );
  const denied = deny === undefined || deny.addresses.length === 0 ? [] : ["deny", "addresses"];
  return denied.length === 0 ? limits : [...limits, { path: denied, message: `denies nodes, not clients: ${WHY}` }];
}
