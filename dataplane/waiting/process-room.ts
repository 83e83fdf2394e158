import type { Clock } from "../../runtime/clock.ts";
import type { Metrics } from "../metrics.ts";
import type { BufferBudget } from "../process/buffer-budget.ts";
import type { Descriptors } from "../process/descriptors.ts";
import type { Evictions } from "../process/evictions.ts";
import { PartialHeads } from "./partial-heads.ts";
import { WaitingRoom } from "./waiting-room.ts";

/** What the waiting room of a process is bounded by. */
export interface RoomBounds {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly budget: BufferBudget;
  readonly descriptors: Descriptors;
}

/** The one waiting room of a process: its heads count in the buffer budget, and it gives descriptors back in need. */
export function processRoom({ clock, metrics, budget, descriptors }: RoomBounds, evictions: Evictions): WaitingRoom {
  const room: WaitingRoom = new WaitingRoom(clock, evictions, {
    descriptors: descriptors.most,
    headBegan: () => heads.begun(),
  });
  const heads = new PartialHeads(room, budget);
  descriptors.relievedBy(() => room.evict());
  metrics.process.showSockets({ descriptors, room });
  return room;
}
