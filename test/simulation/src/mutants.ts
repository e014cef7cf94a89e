/**
 * Guards that are taken out, one each, in the setting where it is the last one: a simulation that does not catch them would not catch
 * the same mistake in the code either.
 */
import { type CounterRange, FIRST_MARK, isUnreadable, UnknownOutcomeError } from '@lakh/id-range';
import type { Slices } from '@lakh/issuing';
import type { OperationsPorts } from '@lakh/operations';
import { answering, type Inside, type Sabotage, withoutVersionCheck } from './sabotage.js';
import type { ViolationKind } from './safety.js';
import type { Setting } from './schedule.js';

export interface Mutant {
  readonly setting: Setting;
  /** What it has to be caught by. */
  readonly shows: ViolationKind;
  readonly what: string;
  readonly sabotage: Sabotage;
}

/** How long after an unknown outcome a client that retries does so. */
const RETRY_MS = 1_000;

export const MUTANTS = {
  'version-check-dropped': {
    setting: 'zookeeper-alone',
    shows: 'duplicate',
    what: 'the mark is written at whatever version it has',
    sabotage: { marks: withoutVersionCheck },
  },
  'unknown-outcome-is-success': {
    setting: 'zookeeper-alone',
    shows: 'duplicate',
    what: 'a mark’s write without an answer is taken for written',
    sabotage: {
      marks: (inner) => ({
        ...inner,
        write: (version, mark) =>
          inner.write(version, mark).catch((error: unknown) => {
            if (error instanceof UnknownOutcomeError) return { outcome: 'written', witnessVersion: 1 };
            throw error;
          }),
      }),
    },
  },
  'publish-retried': {
    setting: 'zookeeper-alone',
    shows: 'duplicate',
    what: 'a remainder’s entry is made again after an unknown outcome',
    sabotage: {
      remainders: (inner, { clock }) => ({
        ...inner,
        publish: async (range) => {
          try {
            return await inner.publish(range);
          } catch (error) {
            if (!(error instanceof UnknownOutcomeError)) throw error;
            await new Promise<void>((resolve) => {
              clock.schedule(RETRY_MS, resolve);
            });
            return inner.publish(range);
          }
        },
      }),
    },
  },
  'claim-without-deletion': {
    setting: 'zookeeper-alone',
    shows: 'duplicate',
    what: 'a remainder is claimed whatever its deletion answers',
    sabotage: { remainders: (inner) => answering(inner, 'claim', 'claimed') },
  },
  'session-bound-ranges': {
    setting: 'zookeeper-alone',
    shows: 'duplicate',
    what: 'a range is its holder’s only as long as the session that leased it',
    sabotage: boundToSessions(),
  },
  'overlap-refusal-dropped': {
    setting: 'ledger-alone',
    shows: 'duplicate',
    what: 'the ledger’s refusal of an overlap is taken for a record',
    sabotage: { ledger: (inner) => answering(inner, 'record', 'recorded') },
  },
  'claim-by-zookeeper-alone': {
    setting: 'ledger-alone',
    shows: 'duplicate',
    what: 'a remainder is claimed whatever the ledger answers',
    sabotage: { ledger: (inner) => answering(inner, 'claim', 'claimed') },
  },
  'ledger-after-first-use': {
    setting: 'ledger-alone',
    shows: 'duplicate',
    what: 'a range is used before it is in the ledger',
    sabotage: {
      ledger: (inner) => ({
        ...inner,
        record: async (lease) => {
          void inner.record(lease).catch(() => {});
          return 'recorded';
        },
      }),
    },
  },
  'successor-publishes': {
    setting: 'both',
    shows: 'duplicate',
    what: 'a server that is started in a dead one’s place publishes what that one had on record',
    sabotage: { successorPublishes: true },
  },
  'issues-after-release': {
    setting: 'both',
    shows: 'duplicate',
    what: 'a server gives its tails back before it is sealed',
    sabotage: { issuesAfterRelease: true },
  },
  'missing-mark-is-zero': {
    setting: 'links-alone',
    shows: 'duplicate',
    what: 'a missing mark over an empty ledger is a first start, whatever links there are',
    sabotage: { ignoresLinks: true },
  },
  'repair-lowers': {
    setting: 'in-turn',
    shows: 'lowered',
    what: 'a repair sets the mark to the ledger’s head',
    sabotage: { repair: setMarkToHead },
  },
  'attempts-never-too-old': {
    setting: 'in-turn',
    shows: 'duplicate',
    what: 'an attempt may sleep through two disasters and the repair between',
    sabotage: { attemptLimitMs: Number.MAX_SAFE_INTEGER },
  },
  'duplicate-is-alias': {
    setting: 'last-line',
    shows: 'issued on',
    what: 'a generated link that meets another one is taken for one that meets an alias',
    sabotage: {
      links: (inner) => ({
        ...inner,
        insert: async (link) => {
          const met = await inner.insert(link);
          return met.outcome === 'duplicate' ? { ...met, outcome: 'taken' } : met;
        },
      }),
    },
  },
  'slices-of-the-dead': {
    setting: 'workers',
    shows: 'duplicate',
    what: 'what a worker had when it crashed is handed to the next',
    sabotage: { slices: inheriting },
  },
  'worker-issues-after-return': {
    setting: 'workers',
    shows: 'duplicate',
    what: 'a worker gives its tails back before it is sealed',
    sabotage: { workerIssuesAfterReturn: true },
  },
} satisfies Record<string, Mutant>;

export type MutantName = keyof typeof MUTANTS;

export const MUTANT_NAMES = Object.keys(MUTANTS) as MutantName[];

/** As if a slice were its process's, and free when that is gone. */
function inheriting(inner: Slices): Slices {
  return {
    ...inner,
    ended(worker) {
      inner.giveBack(worker, handedOf(inner).get(worker) ?? [], false);
      inner.ended(worker);
    },
    hand: async (worker, held) => {
      const slice = await inner.hand(worker, held);
      handedOf(inner).set(worker, [...(handedOf(inner).get(worker) ?? []), slice]);
      return slice;
    },
  };
}

/** One for each supervisor. */
const handed = new WeakMap<Slices, Map<object, CounterRange[]>>();

function handedOf(slices: Slices): Map<object, CounterRange[]> {
  const known = handed.get(slices) ?? new Map<object, CounterRange[]>();
  handed.set(slices, known);
  return known;
}

interface Bound {
  readonly range: CounterRange;
  readonly isOver: () => boolean;
}

/** As an ephemeral node does it: whose session is over has lost its ranges, and whoever comes next finds them free. */
function boundToSessions(): Sabotage {
  return {
    ledger: (inner, inside) => {
      const bind = (range: CounterRange) => {
        const sessions = inside.ensemble.sessionsOf(inside.process.name);
        boundOf(inside).push({ range, isOver: () => sessions.every(({ isOpen }) => !isOpen) });
      };
      return {
        ...inner,
        record: async (lease) => {
          const answer = await inner.record(lease);
          bind(lease.range);
          return answer;
        },
        claim: async (range, holder, atMs) => {
          const answer = await inner.claim(range, holder, atMs);
          bind(range);
          return answer;
        },
      };
    },
    remainders: (inner, inside) => ({
      ...inner,
      list: async (limit) => {
        const free = boundOf(inside).filter(({ isOver }) => isOver());
        if (free.length === 0) return inner.list(limit);
        return { remainders: free.map((bound) => ({ range: bound.range, version: bound })), malformed: 0 };
      },
      claim: async (remainder) => {
        const bounds = boundOf(inside);
        const place = bounds.indexOf(remainder.version as Bound);
        if (place < 0) return inner.claim(remainder);
        bounds.splice(place, 1);
        return 'claimed';
      },
    }),
  };
}

function boundOf({ shared }: Inside): Bound[] {
  const bounds = (shared.get('bound ranges') as Bound[] | undefined) ?? [];
  shared.set('bound ranges', bounds);
  return bounds;
}

/** What a person in a hurry does. */
async function setMarkToHead({ ledger, marks }: OperationsPorts): Promise<void> {
  const head = await ledger.head();
  const { clusterId, version } = await marks.inspect();
  if (head === 'missing' || isUnreadable(head.head) || typeof clusterId !== 'string' || clusterId === 'missing') return;
  const height = Math.max(head.head, FIRST_MARK);
  await marks.put(version, { next: height, ledgered: height }, clusterId);
}
