/** One prom-client registry a program, never the library's global one. Base units, `lakh_` names, bounded labels. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Registry } from 'prom-client';

export type { Registry } from 'prom-client';

export interface ProgramMetrics {
  readonly registry: Registry;
  /** Ends the event-loop monitor. */
  stop(): void;
}

const EVENT_LOOP_RESOLUTION_MS = 10;
/** As percentiles. */
const EVENT_LOOP_STATISTICS = { p50: 50, p99: 99, max: 100 } as const;
const NANOSECONDS = 1e9;

/** Build info, event-loop delay, CPU and memory of this process. */
export function createMetrics(build: { readonly program: string; readonly version: string }): ProgramMetrics {
  const registry = new Registry();
  const registers = [registry];

  new Gauge({
    name: 'lakh_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['program', 'version', 'node'],
    registers,
  }).set({ ...build, node: process.versions.node }, 1);

  const delay = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS });
  delay.enable();
  // The monitor measures the interval between its own ticks: what is above its resolution is delay.
  const seconds = (nanoseconds: number): number =>
    Math.max(0, nanoseconds / NANOSECONDS - EVENT_LOOP_RESOLUTION_MS / 1000);
  new Gauge({
    name: 'lakh_event_loop_delay_seconds',
    help: 'Delay of the event loop since the last scrape: median, 99th percentile and maximum.',
    labelNames: ['statistic'],
    registers,
    collect() {
      const isEmpty = delay.count === 0;
      for (const [statistic, percentile] of Object.entries(EVENT_LOOP_STATISTICS)) {
        this.set({ statistic }, isEmpty ? 0 : seconds(delay.percentile(percentile)));
      }
      delay.reset();
    },
  });

  new Counter({
    name: 'lakh_process_cpu_seconds_total',
    help: 'CPU time used, user and system.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'lakh_process_resident_memory_bytes',
    help: 'Resident set size.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'lakh_process_heap_bytes',
    help: 'JavaScript heap in use.',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
  new Gauge({
    name: 'lakh_process_start_time_seconds',
    help: 'When the process started, in Unix time.',
    registers,
  }).set(Math.round(Date.now() / 1000 - process.uptime()));

  return { registry, stop: () => delay.disable() };
}
