import { eventText } from "../../runtime/admin-port/event-text.ts";
import type { PlaceEvent } from "../live/follow.ts";
import type { Target } from "../live/target.ts";

/** Names of events that are passed on; no name can end its line. */
const NAME = /^[A-Za-z][A-Za-z0-9]{0,63}$/;

/** The data of a pod's event, with the pod; of one process by its URL there is no pod to name. */
export function withPod({ place, data }: Pick<PlaceEvent, "place" | "data">, { single }: Target): object {
  return single ? data : { ...data, pod: place.name };
}

/** An event of a pod as it is passed on; undefined: its name is none. */
export function passedOn(event: PlaceEvent, target: Target): string | undefined {
  return NAME.test(event.name) ? eventText(event.name, withPod(event, target)) : undefined;
}

/** What keeps a pod, or all of them, from being watched, as an event: the stream goes on. */
export function troubleLine({ message }: { readonly message: string }, pod?: string): string {
  return eventText("trouble", { at: new Date().toISOString(), ...(pod === undefined ? {} : { pod }), message });
}
