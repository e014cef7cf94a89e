import type { CounterRange } from '@lakh/id-range';
import type { IssuingObserver } from '@lakh/issuing';
import type { World } from './world.js';

/** Which witnesses have to have given a range before a server uses it. */
const GIVERS = { 'zookeeper-alone': ['zookeeper'], 'ledger-alone': ['ledger'], 'last-line': [] } as const;
const BOTH = ['zookeeper', 'ledger'] as const;

export interface Observed {
  readonly name: string;
  isBetweenWitnesses: boolean;
  gaveUp(tails: readonly CounterRange[]): void;
}

/** Counts what a server tells, and has the ranges that it takes and gives back looked at. */
export function observerOf({ network, safety, setting }: World, server: Observed): IssuingObserver {
  const { coverage } = network;
  const count = (what: string) => () => coverage.add(what);
  const countReason = (what: string) => (reason: string) => coverage.add(`${what}: ${reason}`);
  const givers = setting in GIVERS ? GIVERS[setting as keyof typeof GIVERS] : BOTH;
  const acquired = (what: string) => (range: CounterRange) => {
    coverage.add(what);
    server.isBetweenWitnesses = false;
    safety.acquired(server.name, range, givers);
  };
  return {
    startFailed: count('a start that waits for the database'),
    leased: acquired('leased'),
    claimed: acquired('claimed'),
    leaseFailed() {
      server.isBetweenWitnesses = false;
    },
    abandoned: countReason('abandoned'),
    refused: ({ code }) => coverage.add(`refused: ${code}`),
    lost: countReason('lost'),
    burnt: count('burnt'),
    duplicate: count('duplicate'),
    unknownKey: count('unknown key'),
    spaceEnding: count('space ending'),
    givingBack(tails) {
      coverage.add('tails given back', tails.length);
      server.gaveUp(tails);
    },
    published: count('published'),
    notPublished: countReason('not published'),
    notClaimed: countReason('not claimed'),
    missed: count('a claim race'),
    implausible: count('implausible'),
    malformed: count('malformed'),
    unlisted: count('unlisted'),
  };
}
