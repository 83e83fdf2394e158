import { DEBUG } from "../../api/debug.ts";
import {
  textAnswer,
  type AdminAnswer,
  type AdminSink,
  type AdminStream,
} from "../../runtime/admin-port/admin-endpoint.ts";
import { FULL, noStream } from "./debug-events.ts";
import { GAVE_WAY } from "../debug/places.ts";
import { FrameQuery } from "../frame-trace/frame-query.ts";
import type { Gateway } from "../gateway.ts";
import type { ServedProxy } from "../served-proxy.ts";

/** `/debug/frames`: the frames of one session, or of all sessions of a client, as they are judged. */
export function frameStream(gateway: Gateway, parameters: URLSearchParams): AdminAnswer | AdminStream {
  const query = FrameQuery.of(parameters);
  if (typeof query === "string") return textAnswer(400, query);
  const proxies = gateway.proxies.filter((proxy) => query.passesProxy(proxy.name) && isAbout(query, proxy));
  if (proxies.length === 0) {
    return textAnswer(
      404,
      query.session === undefined ? "no such proxy is served here" : "no such session is open here",
    );
  }
  const silent = whySilent(query, proxies);
  if (silent !== undefined) return textAnswer(403, silent);
  if (gateway.watching.full) return noStream(gateway.watching);
  return {
    contentType: "text/event-stream; charset=utf-8",
    unread: DEBUG.unread,
    slow: () => gateway.watching.lose("Slow"),
    open: (sink) => open(gateway, query, proxies, sink),
  };
}

function open(gateway: Gateway, query: FrameQuery, proxies: readonly ServedProxy[], sink: AdminSink): () => void {
  let end: (why?: string) => void = () => {};
  const leave = gateway.watching.place(() => end(GAVE_WAY));
  // Either may have changed while the head of the answer was on its way.
  const why = leave === undefined ? FULL : whySilent(query, proxies);
  if (why !== undefined) {
    leave?.();
    sink.write(`: ${why}\n\n`);
    sink.end();
    return () => {};
  }
  const { session, client, seconds, payload } = query;
  if (payload > 0) for (const proxy of proxies) proxy.audit("PayloadTraced", { session, client, seconds, payload });
  end = gateway.frames.start(query, proxies, sink);
  return () => {
    end();
    leave?.();
  };
}

/** Why the payload that is asked for is not shown; undefined: it is, or none is asked for. */
function whySilent({ payload }: FrameQuery, proxies: readonly ServedProxy[]): string | undefined {
  const silent = payload === 0 ? undefined : proxies.find((proxy) => !proxy.showsPayload);
  return silent && `${silent.name} shows no payload: dataplane.debug.payload is not Allowed in the config in force`;
}

/** A session is one of one proxy; a client may come to any. */
function isAbout({ session }: FrameQuery, { sessions }: ServedProxy): boolean {
  if (session === undefined) return true;
  for (const { id } of sessions) if (id === session) return true;
  return false;
}
