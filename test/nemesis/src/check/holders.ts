/**
 * Who answered a create, and whose range its counter is of: two independent witnesses of who issued what, the client's and the ledger's.
 * A remainder that two servers issue from shows here even where their counters never met.
 */
import { base62 } from '@lakh/short-code';
import type { LeaseEvent } from '../history.js';
import { type Evidence, isAcknowledged, placeIn } from './evidence.js';

const codec = base62();

/**
 * Links that one server gave from what is on record as another's. Nothing is said of those that came through the gateway, nor after the
 * database was set back: its rows may then name whoever held a range at the time of the copy.
 */
export function judgeHolders(evidence: Evidence, wasRestored: boolean): string[] {
  if (wasRestored) return [];
  const serverOfPid = new Map(evidence.processes.map(({ pid, server }) => [pid, server]));
  const known = new Set([...serverOfPid.values()].filter((server) => server.startsWith('shorten')));
  const leases = evidence.leases.filter(({ state }) => state === 'leased').sort((a, b) => a.start - b.start);
  return evidence.requests.filter(isAcknowledged).flatMap(({ code, target }) => {
    const counter = codec.decode(code);
    const lease = counter === undefined ? undefined : leaseOf(leases, counter);
    const holder = lease && serverOfPid.get(pidIn(lease));
    if (!known.has(target) || lease === undefined || holder === undefined || holder === target) return [];
    return [
      `${code} was given by ${target}, but counter ${counter} is of a range of ${holder}: [${lease.start}, ${lease.end})`,
    ];
  });
}

/** In the middle of a server's id (`host-pid-random`). */
export function pidIn({ serverId }: LeaseEvent): number {
  return Number(serverId.split('-').at(-2));
}

function leaseOf(sorted: readonly LeaseEvent[], counter: number): LeaseEvent | undefined {
  const lease = sorted[placeIn(sorted, ({ end }) => end <= counter)];
  return lease !== undefined && lease.start <= counter ? lease : undefined;
}
