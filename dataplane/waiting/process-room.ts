import type { Clock } from "../../runtime/clock.ts";
import type { BufferBudget } from "../process/buffer-budget.ts";
import type { Descriptors } from "../process/descriptors.ts";
import type { Evictions } from "../process/evictions.ts";
import type { ProcessMetrics } from "../process/process-metrics.ts";
import { PartialHeads } from "./partial-heads.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** What the waiting room of a process is bounded by, and where it is shown. */
export interface RoomBounds {
  readonly clock: Clock;
  readonly metrics: ProcessMetrics;
  readonly budget: BufferBudget;
  readonly descriptors: Descriptors;
  readonly evictions: Evictions;
}

/** The one waiting room of a process: its heads count in the buffer budget, and it gives descriptors back in need. */
export function processRoom({ clock, metrics, budget, descriptors, evictions }: RoomBounds): WaitingRoom {
  const room: WaitingRoom = new WaitingRoom(clock, evictions, {
    descriptors: descriptors.most,
    headBegan: () => heads.begun(),
  });
  const heads = new PartialHeads(room, budget);
  descriptors.relievedBy(() => room.evict());
  metrics.showSockets({ descriptors, room });
  return room;
}
