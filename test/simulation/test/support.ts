import { SimulatedClock, seededRandom } from '@lakh/testkit';
import { Coverage } from '../src/coverage';
import { SimulatedDatabase } from '../src/database/database';
import { SimulatedPool } from '../src/database/pool';
import { type FaultPlan, Network } from '../src/network';
import { SimulatedProcess } from '../src/process';
import { Ensemble } from '../src/zookeeper/ensemble';
import { SimulatedZookeeperSession } from '../src/zookeeper/session';

/** Both witnesses and the wires to them, on a clock that runs as long as somebody waits for an answer. */
export class Bench {
  readonly time = new SimulatedClock();
  readonly ensemble = new Ensemble();
  readonly database = new SimulatedDatabase(this.time);
  readonly coverage = new Coverage();
  readonly network: Network;
  #processes = 0;
  #waiting = 0;
  #pump: Promise<void> | undefined;

  constructor(plan: FaultPlan = { faultRate: 0, faultsAt: 'every request' }) {
    this.network = new Network(this.time, seededRandom(7), this.coverage, plan);
  }

  process(): SimulatedProcess {
    this.#processes += 1;
    return new SimulatedProcess(`process ${this.#processes}`, this.time);
  }

  session(process = this.process()): SimulatedZookeeperSession {
    return new SimulatedZookeeperSession({ ensemble: this.ensemble, network: this.network, process });
  }

  pool(process = this.process()): SimulatedPool {
    return new SimulatedPool({ database: this.database, network: this.network, process });
  }

  /** `port`, each of whose calls lets time pass until it has settled. */
  driven<T extends object>(port: T): T {
    const methods = Object.entries(port).map(([name, call]) => [
      name,
      async (...args: unknown[]) => {
        this.#waiting += 1;
        try {
          const answer = call(...args);
          this.#pump ??= this.#run();
          return await answer;
        } finally {
          this.#waiting -= 1;
        }
      },
    ]);
    return Object.fromEntries(methods) as T;
  }

  async #run(): Promise<void> {
    while (this.#waiting > 0) await this.time.advance(1);
    this.#pump = undefined;
  }
}
