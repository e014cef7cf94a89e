/** An operator at work: the real repair, over the real adapters, in a process that may die. */
import { createOperations, type OperationsPorts } from '@lakh/operations';
import { NAMESPACE, simulatedCluster } from './cluster.js';
import { SimulatedProcess } from './process.js';
import type { World } from './world.js';
import { SimulatedZookeeperSession } from './zookeeper/session.js';

/** Above the highest link, when nothing but links is left: more than servers hold at most. */
const ADOPT_SKIP = 1_000_000;
const MAX_ATTEMPTS = 8;
const RETRY_MS = 1_000;

export class Operator {
  readonly process: SimulatedProcess;
  readonly #world: World;
  readonly #zookeeper: SimulatedZookeeperSession;
  /** Why the last attempt failed. */
  lastErrorCode: string | undefined;
  /** How the work ended; undefined while it goes on. */
  outcome: 'done' | 'given up' | undefined;

  constructor(world: World, name: string) {
    this.#world = world;
    this.process = new SimulatedProcess(name, world.network.time);
    this.#zookeeper = new SimulatedZookeeperSession({ ...world, process: this.process });
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
    const ports = await this.#ports();
    if (sabotage.repair) {
      await sabotage.repair(ports);
      return;
    }
    const operations = createOperations(ports);
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

  async #ports(): Promise<OperationsPorts> {
    const { clock, name } = this.process;
    const cluster = simulatedCluster({ ...this.#world, process: this.process, zookeeper: this.#zookeeper });
    return {
      ...(await cluster.admin()),
      namespace: NAMESPACE,
      system: 'the simulated one',
      sealedKeys: [],
      operator: { serverId: name, host: 'host', processStartMs: clock.wallMs(), codec: 'none' },
      newClusterId: () => `cluster-of-${name.replaceAll(/\W+/g, '-')}`,
      nowMs: () => clock.wallMs(),
      pause: (ms) => this.#pause(ms),
    };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.process.clock.schedule(ms, resolve);
    });
  }
}
