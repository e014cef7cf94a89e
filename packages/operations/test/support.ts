import type { LedgerRow } from '@lakh/id-range';
import { MemoryWitnesses } from '@lakh/testkit';
import type { OperationsPorts } from '../src/ports.js';

export const CLUSTER = '00000000-0000-4000-8000-000000000001';
export const NOW_MS = Date.UTC(2026, 0, 2);

/** Ports over memory; `override` replaces some. */
export function portsOver(witnesses: MemoryWitnesses, override: Partial<OperationsPorts> = {}): OperationsPorts {
  return {
    namespace: 'links',
    system: 'memory',
    marks: witnesses.marks,
    ledger: witnesses.ledger,
    counters: witnesses.counters,
    remainders: witnesses.remainders,
    links: { record: async () => undefined },
    facts: { read: async () => undefined },
    runningServers: async () => [],
    sealedKeys: [],
    operator: { serverId: 'lakh', host: 'desk', processStartMs: 1, codec: '' },
    newClusterId: () => CLUSTER,
    nowMs: () => NOW_MS,
    pause: async () => {},
    settleMs: 0,
    restored: async () => {},
    ...override,
  };
}

export function row(start: number, end: number, more: Partial<LedgerRow> & { server?: string } = {}): LedgerRow {
  const { server = 'server-1', ...rest } = more;
  return {
    range: { start, end },
    holder: { serverId: server, host: 'host-1', processStartMs: 1_700_000_000_000, codec: 'base62' },
    leasedAtMs: NOW_MS - 1_000,
    witnessVersion: 2,
    state: 'leased',
    ...rest,
  };
}

/** A system that has leased three ranges and made links in the first two. */
export function used(): MemoryWitnesses {
  const system = new MemoryWitnesses();
  system.mark = { next: 400_000, ledgered: 300_000 };
  system.markClusterId = CLUSTER;
  system.head = 400_000;
  system.headClusterId = CLUSTER;
  system.rows = [row(100_000, 200_000), row(200_000, 300_000, { server: 'server-2' }), row(300_000, 400_000)];
  system.linkCounters = [100_000, 100_001, 200_005];
  return system;
}
