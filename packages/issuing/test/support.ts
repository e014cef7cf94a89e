import { PassThrough } from 'node:stream';
import { createLogger, createMetrics } from '@lakh/process';
import { base62 } from '@lakh/short-code';
import { MemoryFactStore, MemoryLedger, MemoryMarkNode, SimulatedClock } from '@lakh/testkit';
import { createIssuing, type Issuing, type IssuingOptions, type IssuingSettings, metricsAndLog } from '../src/index.js';

export const SIZE = 1000;

export interface ServerOptions extends Partial<Omit<IssuingOptions, 'settings'>> {
  readonly settings?: Partial<IssuingSettings>;
}

/** One system in memory, on a clock of its own, and servers over it, with the metrics and the log that a program has. */
export class System {
  readonly time = new SimulatedClock();
  readonly node = new MemoryMarkNode();
  readonly ledger = new MemoryLedger();
  readonly facts = new MemoryFactStore();
  readonly #metrics: (() => void)[] = [];

  server({ settings, ...ports }: ServerOptions = {}) {
    const { registry, stop } = createMetrics({ program: 'test', version: '0' });
    this.#metrics.push(stop);
    const stream = new PassThrough();
    const log = createLogger({ program: 'test', serverId: 'server', level: 'info', stream });
    let written = '';
    const issuing: Issuing = createIssuing({
      marks: this.node.client(),
      ledger: this.ledger.client(),
      remainders: this.node.remainders(),
      facts: this.facts,
      codec: base62(),
      settings: {
        ...{ namespace: 'links', rangeSize: SIZE, runwayS: 1, rangesMaxHeld: 4, drainTimeoutMs: 10_000 },
        ...settings,
      },
      holder: { serverId: 'server', host: 'host', processStartMs: this.#metrics.length },
      newClusterId: () => 'cluster-1',
      clock: this.time,
      random: () => 0.5,
      observer: metricsAndLog(registry, log, () => issuing.figures()),
      ...ports,
    });
    return {
      issuing,
      metric: async (name: string): Promise<number | undefined> => {
        const line = (await registry.metrics()).split('\n').find((each) => each.startsWith(`${name} `));
        return line && Number(line.slice(name.length + 1));
      },
      log: (): string => {
        written += String(stream.read() ?? '');
        return written;
      },
      /** Starts, and lets a second pass: time for both ranges that a server without creates holds. */
      start: async (): Promise<void> => {
        await issuing.start();
        await this.time.advance(1000);
      },
      /** That many counters, one after another. */
      take: async (count: number): Promise<number[]> => {
        const counters: number[] = [];
        for (let i = 0; i < count; i += 1) counters.push((await issuing.codes.nextOrWait()).counter);
        return counters;
      },
    };
  }

  dispose(): void {
    for (const stop of this.#metrics) stop();
  }
}
