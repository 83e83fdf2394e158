import { make, quote, setQuote, setText, setAttribute } from "./dom.js";
import { readFrame, readLeftOut, readTrouble } from "./events.js";
import { frameLine, Frames, remark } from "./frames.js";
import * as format from "./format.js";
import { problemOf } from "./problems.js";
import { VirtualList } from "./virtual-list.js";

/**
 * @import { FrameLine } from "./frames.js"
 * @import { Gateway } from "./gateway.js"
 */

/** Longest trace, in seconds; bytes of a payload that are asked for. */
const TRACE = { seconds: 600, payload: 256 };

/** The frames of one session, from `start` to `stop`. */
export class FramesView {
  element = make("section", "frames");
  #gateway;
  #session;
  #frames = new Frames();
  #list;
  #state = make("p", "note");
  #stopped = new AbortController();
  #drawing = 0;

  /**
   * @param {Gateway} gateway
   * @param {string} session
   * @param {boolean} payload ask for the first bytes of each payload
   */
  constructor(gateway, session, payload) {
    this.#gateway = gateway;
    this.#session = session;
    this.#state.setAttribute("role", "status");
    const canvas = make("div", "canvas");
    const scroller = make("div", "scroller", canvas);
    scroller.tabIndex = 0;
    scroller.setAttribute("role", "log");
    scroller.setAttribute("aria-live", "off");
    scroller.setAttribute("aria-label", "Frames, the newest first");
    this.element.append(make("h3", "", "Frames"), this.#state, scroller);
    this.#list = new VirtualList({ scroller, canvas, make: frameItem });
    void this.#watch(payload);
  }

  stop() {
    this.#stopped.abort();
    cancelAnimationFrame(this.#drawing);
  }

  /** @param {boolean} payload */
  async #watch(payload) {
    const query = new URLSearchParams({ session: this.#session, seconds: String(TRACE.seconds) });
    if (payload) query.set("payload", String(TRACE.payload));
    setText(this.#state, "Asking the gateway…");
    const taker = {
      opened: () => this.#say("Watching"),
      /** @type {(name: string, json: unknown) => void} */
      took: (name, json) => this.#take(name, json),
    };
    try {
      await this.#gateway.stream(`/debug/frames?${query}`, taker, this.#stopped.signal);
      this.#say("The trace is over");
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      const { title, advice } = problemOf(error, location.origin);
      setText(this.#state, `${title}. ${advice}`);
    }
  }

  /**
   * @param {string} name
   * @param {unknown} json
   */
  #take(name, json) {
    if (name === "frame") this.#frames.add(frameLine(readFrame(json)));
    else if (name === "leftOut") {
      const { at, frames } = readLeftOut(json);
      this.#frames.leftOut += frames;
      this.#frames.add(remark(at, `${format.count(frames)} frames left out: more than the gateway tells in a second`));
    } else if (name === "trouble") this.#frames.add(remark(Date.now(), readTrouble(json).message));
    else return;
    if (this.#drawing !== 0) return;
    this.#drawing = requestAnimationFrame(() => {
      this.#drawing = 0;
      this.#list.show(this.#frames.newestFirst);
      this.#say("Watching");
    });
  }

  /** @param {string} state */
  #say(state) {
    const { total, bytes, leftOut } = this.#frames;
    const left = leftOut === 0 ? "" : `, ${format.count(leftOut)} left out`;
    const seen =
      total === 0
        ? "no frame yet"
        : `${format.count(total)} ${total === 1 ? "frame" : "frames"}, ${format.bytes(bytes)}${left}`;
    setText(this.#state, `${state}: ${seen}`);
  }
}

function frameItem() {
  const element = make("div", "frame");
  const [time, way, size] = ["time", "way", "size"].map((name) => make("span", name));
  const [kind, verdict, payload] = [quote("", "kind"), quote("", "verdict"), quote("", "payload")];
  if (!time || !way || !size) throw new Error("no cells");
  element.append(time, way, kind, size, verdict, payload);
  /** @type {(line: FrameLine) => void} */
  const update = (line) => {
    element.dataset["way"] = line.way;
    element.dataset["verdict"] = line.verdict.split(" ")[0] ?? "";
    setText(time, format.preciseTime(line.at));
    setText(way, { up: "↑", down: "↓", none: "" }[line.way]);
    setAttribute(way, "aria-label", { up: "from the client", down: "from the backend", none: "" }[line.way]);
    setQuote(kind, line.kind);
    setText(size, Number.isNaN(line.size) ? "" : format.bytes(line.size));
    setQuote(verdict, line.verdict);
    setQuote(payload, line.payload);
  };
  return { element, update };
}
