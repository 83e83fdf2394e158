import { Gauge, type Registry } from "prom-client";

/** One proxy of the process at the moment of a scrape. */
export interface ProxyState {
  readonly proxy: string;
  /** It takes new sessions. */
  readonly ready: boolean;
  /** The config that came last is not in force. */
  readonly refused: boolean;
}

/** Shows at each scrape what is true of each proxy then; a proxy that is not among the states has no series. */
export function showProxyStates(registry: Registry, states: () => Iterable<ProxyState>): void {
  const show = (name: string, help: string, holds: (state: ProxyState) => boolean): void => {
    new Gauge({
      name: `wsproxy_${name}`,
      help,
      labelNames: ["proxy"],
      registers: [registry],
      collect() {
        this.reset();
        for (const state of states()) this.set({ proxy: state.proxy }, holds(state) ? 1 : 0);
      },
    });
  };
  show("ready", "1 while new sessions are taken: a config in force, an open listener, no drain.", (it) => it.ready);
  show("config_refused", "1 while the config that came last is refused.", (it) => it.refused);
}
