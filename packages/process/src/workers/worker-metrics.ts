/** What a server has of metrics that has workers. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Dealer } from './dealer.js';
import type { Fleet } from './fleet.js';
import type { MemberState } from './member.js';

const STATES: readonly MemberState[] = ['starting', 'serving', 'draining'];

export interface WorkerMetrics {
  readonly crashes: Counter<'worker'>;
  readonly undealt: Counter;
}

export function registerWorkerMetrics(
  registry: Registry,
  {
    fleet,
    dealer,
    count,
  }: { readonly fleet: Pick<Fleet, 'members'>; readonly dealer: Pick<Dealer, 'waiting'>; readonly count: number },
): WorkerMetrics {
  const registers = [registry];
  new Gauge({
    name: 'lakh_workers',
    help: 'Processes of this server that do its work, by what they are doing.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of STATES) this.set({ state }, fleet.members.filter((member) => member.state === state).length);
    },
  });
  const crashes = new Counter({
    name: 'lakh_worker_crashes_total',
    help: 'Workers that ended without being asked to, or had to be killed because they answered nothing.',
    labelNames: ['worker'],
    registers,
  });
  for (let worker = 1; worker <= count; worker += 1) crashes.inc({ worker: String(worker) }, 0);
  new Gauge({
    name: 'lakh_worker_connections_waiting',
    help: 'Connections that were accepted and that no worker has taken yet.',
    registers,
    collect() {
      this.set(dealer.waiting);
    },
  });
  const undealt = new Counter({
    name: 'lakh_worker_connections_undealt_total',
    help: 'Connections closed because no worker could take them.',
    registers,
  });
  return { crashes, undealt };
}
