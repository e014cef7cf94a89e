/** An operator at work: the real repair, over the real adapters, in a process that may die. */
import { ATTEMPT_LIMIT_MS } from '@lakh/id-range';
import { createMysqlCounterWitness, createMysqlLedgerAdmin } from '@lakh/mysql';
import { createOperations, type OperationsPorts } from '@lakh/operations';
import { createZookeeperMarkAdmin, createZookeeperRemainderStore } from '@lakh/zookeeper';
import { SimulatedPool } from './database/pool.js';
import { SimulatedProcess } from './process.js';
import { NAMESPACE, type World } from './server.js';
import { SimulatedZookeeperSession } from './zookeeper/session.js';

/** The shortest wait that the repair's contract allows. */
const SETTLE_MS = ATTEMPT_LIMIT_MS + 1;
/** Above the highest link, when nothing but links is left: more than servers hold at most. */
const ADOPT_SKIP = 1_000_000;
const CONNECT_WAIT_MS = 3_000;
const MAX_ATTEMPTS = 8;
const RETRY_MS = 1_000;

export class Operator {
  readonly process: SimulatedProcess;
  readonly #world: World;
  readonly #zookeeper: SimulatedZookeeperSession;
  readonly #ports: OperationsPorts;
  /** Why the last attempt failed. */
  lastErrorCode: string | undefined;
  /** How the work ended; undefined while it goes on. */
  outcome: 'done' | 'given up' | undefined;

  constructor(world: World, name: string) {
    const { database, ensemble, network } = world;
    this.#world = world;
    this.process = new SimulatedProcess(name, network.time);
    const { clock } = this.process;
    const ends = { database, ensemble, network, process: this.process };
    this.#zookeeper = new SimulatedZookeeperSession(ends);
    const inZookeeper = { namespace: NAMESPACE, connectWaitMs: CONNECT_WAIT_MS };
    const pool = new SimulatedPool(ends);
    this.#ports = {
      namespace: NAMESPACE,
      system: 'the simulated one',
      marks: createZookeeperMarkAdmin(this.#zookeeper, inZookeeper),
      ledger: createMysqlLedgerAdmin({ pool, namespace: NAMESPACE }),
      remainders: createZookeeperRemainderStore(this.#zookeeper, inZookeeper),
      counters: createMysqlCounterWitness(pool),
      links: { record: async () => undefined, setting: async () => undefined },
      runningServers: async () => [],
      sealedKeys: [],
      operator: { serverId: name, host: 'host', processStartMs: clock.wallMs(), codec: 'none' },
      newClusterId: () => `cluster-of-${name.replaceAll(/\W+/g, '-')}`,
      nowMs: () => clock.wallMs(),
      pause: (ms) => this.#pause(ms),
      settleMs: SETTLE_MS,
    };
  }

  /** Until it has been done, or as often as somebody has patience. `adopts`: nothing but links is left. */
  async repair(adopts: () => boolean): Promise<void> {
    const { coverage } = this.#world.network;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      try {
        await this.#repairOnce(adopts());
        this.outcome = 'done';
        this.#zookeeper.close();
        return;
      } catch (error) {
        this.lastErrorCode = (error as { code?: string }).code ?? String(error);
        coverage.add(`repair failed: ${this.lastErrorCode}`);
        await this.#pause(RETRY_MS);
      }
    }
    this.outcome = 'given up';
    this.#zookeeper.close();
  }

  async #repairOnce(adopts: boolean): Promise<void> {
    const { network, sabotage } = this.#world;
    if (sabotage.repair) {
      await sabotage.repair(this.#ports);
      return;
    }
    const operations = createOperations(this.#ports);
    if (adopts) {
      const outcome = await operations.bootstrap({ adopt: true, skip: ADOPT_SKIP }).then(
        (report) => report.outcome,
        (error: { code?: string }) => {
          // One that ended half-way: its message says that a repair finishes it.
          if (error.code === 'already_bootstrapped') return error.code;
          throw error;
        },
      );
      network.coverage.add(`bootstrap by hand: ${outcome}`);
    }
    const { steps } = await operations.repair({ apply: true });
    for (const { step } of steps) network.coverage.add(`repair: ${step}`);
    network.coverage.add('repair done');
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.process.clock.schedule(ms, resolve);
    });
  }
}
