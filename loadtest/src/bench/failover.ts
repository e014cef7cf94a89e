import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '@lakh/base';
import type { LocalServer } from '@lakh/local';
import { endWith } from '../launch.js';
import { LAKH } from '../programs/issuing.js';
import { progress } from '../scope.js';
import { timingOf, wholeEnsemble } from './ensemble.js';
import type { Databases } from './lakh-servers.js';
import type { Bench } from './setting.js';
import { figure, type Trial } from './trials.js';
import { openWitnesses, type WitnessAddresses, type Witnesses } from './witnesses.js';

const CLIENTS_A_NODE = 3;
/** Between two leases of one client: a server that issues fast, without nine of them doing nothing but meeting each other. */
const PAUSE_MS = 50;
/** As the allocator's own pauses after a failed lease. */
const BACKOFF_FIRST_MS = 50;
const BACKOFF_CAP_MS = 5_000;
/** Leases go on for that long before a kill. */
const CALM_MS = 1_000;
const PATIENCE_MS = 60_000;

/** One client's first lease that began after a kill. */
interface Recovery {
  readonly afterMs: number;
  /** Its session was with the node that died. */
  readonly orphaned: boolean;
}

/** From a leader's death to the next lease of each of several clients, again and again. */
export function failoverTrial(bench: Bench, databases: Databases, addresses: WitnessAddresses): Trial {
  const { zookeeperNodes: nodes } = databases;
  return {
    id: 'failover',
    async run() {
      const kills: Recovery[][] = [];
      while (kills.length < bench.kills) {
        bench.scope.assertOpen();
        const recoveries = await killLeader(bench, nodes, addresses);
        kills.push(recoveries);
        const [first, last] = [Math.min, Math.max].map((pick) => pick(...recoveries.map(({ afterMs }) => afterMs)));
        const took = `first lease after ${Math.round(first as number)} ms, every client's by ${Math.round(last as number)} ms`;
        progress(`failover: leader killed ${kills.length}/${bench.kills}: ${took}`);
      }
      const all = kills.flat();
      const times = (recoveries: readonly Recovery[]) => recoveries.map(({ afterMs }) => afterMs);
      const what = (who: string) => `from kill -9 to the acknowledgement of the first lease begun after it, ${who}`;
      return {
        title: `From the leader's death to the next lease: ${nodes.length * CLIENTS_A_NODE} clients, ${kills.length} kills (${await timingOf(nodes[0] as LocalServer)})`,
        figures: [
          figure({ name: 'every client', unit: 'ms', what: what('each client of each kill') }, times(all)),
          figure(
            { name: 'clients of the dead node', unit: 'ms', what: what('only those whose session was with it') },
            times(all.filter(({ orphaned }) => orphaned)),
          ),
          figure(
            { name: 'first of all clients', unit: 'ms', what: what('whoever is first, one a kill') },
            kills.map((recoveries) => Math.min(...times(recoveries))),
          ),
        ],
      };
    },
  };
}

/** Kills the leader while clients lease, awaits a lease of each, and leaves the ensemble whole again. */
async function killLeader(
  bench: Bench,
  nodes: readonly LocalServer[],
  addresses: WitnessAddresses,
): Promise<Recovery[]> {
  const { leader } = await wholeEnsemble(nodes);
  const clients = await Promise.all(
    Array.from({ length: nodes.length * CLIENTS_A_NODE }, async (_, index) => {
      const witnesses = await openWitnesses(addresses, { serverId: `failover-${index}`, firstNode: index });
      return new Client(witnesses, index % nodes.length === leader);
    }),
  );
  const victim = nodes[leader] as LocalServer;
  let recoveries: Recovery[];
  try {
    for (const client of clients) client.start();
    await sleep(CALM_MS);
    const killedMs = performance.now();
    const firsts = clients.map(async (client): Promise<Recovery> => {
      const afterMs = (await client.firstBegunAfter(killedMs)) - killedMs;
      return { afterMs, orphaned: client.onLeader };
    });
    [recoveries] = await Promise.all([Promise.all(firsts), victim.signal('SIGKILL')]);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    if (!bench.scope.closing)
      await endWith(
        bench.scope,
        victim.restart().then(() => victim),
      );
  }
  await wholeEnsemble(nodes);
  return recoveries;
}

/** Leases, pauses, leases; after a failure with the allocator's backoff. */
class Client {
  readonly onLeader: boolean;
  readonly #witnesses: Witnesses;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #acknowledged: (begunMs: number, atMs: number) => void = () => {};

  constructor(witnesses: Witnesses, onLeader: boolean) {
    this.#witnesses = witnesses;
    this.onLeader = onLeader;
  }

  start(): void {
    this.#loop = this.#leaseForEver();
  }

  /** When the first lease that began after `fromMs` was acknowledged. */
  firstBegunAfter(fromMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no lease within ${PATIENCE_MS} ms of the leader's death: ${this.#lastFailure}`)),
        PATIENCE_MS,
      );
      this.#acknowledged = (begunMs, atMs) => {
        if (begunMs < fromMs) return;
        clearTimeout(timer);
        resolve(atMs);
      };
    });
  }

  #lastFailure: unknown = 'none failed';

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#witnesses.close();
  }

  async #leaseForEver(): Promise<void> {
    const backoffMs = backoff({ firstMs: BACKOFF_FIRST_MS, capMs: BACKOFF_CAP_MS, random: Math.random });
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      const begunMs = performance.now();
      let pauseMs = PAUSE_MS * (0.5 + Math.random());
      try {
        await this.#witnesses.source.lease(LAKH);
        this.#acknowledged(begunMs, performance.now());
        failures = 0;
      } catch (error) {
        this.#lastFailure = error;
        failures += 1;
        pauseMs = backoffMs(failures);
      }
      await sleep(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
  }
}
