/** What a schedule of the shared copy consists of, and how such schedules are drawn. */
import { seededRandom } from '@lakh/testkit';
import fc from 'fast-check';

export type CopyEventKind =
  | 'look up'
  | 'fresh look-up'
  | 'edit'
  | 'delete'
  /** Claims an alias that nobody has, or that was lost. */
  | 'create'
  | 'wait'
  | 'pause'
  /** The same at the moment when a relay has read the log, and has not moved the copy on. */
  | 'pause in a round'
  | 'crash'
  | 'cut off from Redis'
  | 'cut off from the database'
  | 'snapshot Redis'
  | 'restart Redis'
  | 'promote a replica of Redis'
  | 'stop replication of Redis'
  | 'Redis refuses writes'
  | 'Redis evicts'
  | 'freeze Redis'
  | 'freeze the database'
  | 'forget rows'
  | 'stop replication of the database'
  /** The primary is lost, and a replica that lacks the end takes over. */
  | 'database failover'
  | 'restore the database';

export interface CopyEvent {
  readonly afterMs: number;
  readonly server: number;
  readonly code: number;
  readonly kind: CopyEventKind;
  /** How many, how long, which one: what it means depends on the kind. */
  readonly amount: number;
}

export interface CopySchedule {
  /** Decides every delay and fault. */
  readonly seed: number;
  readonly servers: number;
  /** Of each request to Redis or the database. */
  readonly faultRate: number;
  /** Of each message of a change to each server. */
  readonly messageLoss: number;
  /** How far apart look-ups are that go on all the time, on each server. */
  readonly followEveryMs: number;
  /** Rows of the log that one reading brings. */
  readonly rowsAtOnce: number;
  readonly events: readonly CopyEvent[];
}

/** Of its own, so that what a seed decides beside it is the same. */
const WITHDRAWAL_STREAM = 0x64726177;
const WITHDRAWING_PART = 0.25;

/** Whether who makes a change takes out of Redis what was, where no round does. It hides what a missing guard lets through: most schedules go without. */
export function withdraws({ seed }: CopySchedule): boolean {
  return seededRandom(seed ^ WITHDRAWAL_STREAM)() < WITHDRAWING_PART;
}

const USE: readonly CopyEventKind[] = ['look up', 'fresh look-up', 'edit', 'edit', 'edit', 'delete', 'create', 'wait'];
const FAULTS: readonly CopyEventKind[] = [
  'pause',
  'pause',
  'pause in a round',
  'pause in a round',
  'crash',
  'cut off from Redis',
  'cut off from the database',
  'snapshot Redis',
  'snapshot Redis',
  'restart Redis',
  'restart Redis',
  'promote a replica of Redis',
  'stop replication of Redis',
  'Redis refuses writes',
  'Redis evicts',
  'freeze Redis',
  'freeze the database',
  'forget rows',
  'stop replication of the database',
  'database failover',
  'restore the database',
];

const event: fc.Arbitrary<CopyEvent> = fc.record({
  afterMs: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 400 })),
  server: fc.nat(2),
  code: fc.nat(3),
  kind: fc.oneof(fc.constantFrom(...USE), fc.constantFrom(...USE), fc.constantFrom(...FAULTS)),
  amount: fc.nat(99),
});

export const copyScheduleArbitrary: fc.Arbitrary<CopySchedule> = fc.record({
  seed: fc.integer(),
  servers: fc.integer({ min: 2, max: 3 }),
  faultRate: fc.constantFrom(0, 0.02, 0.1),
  messageLoss: fc.constantFrom(0.2, 1),
  followEveryMs: fc.constantFrom(10, 40, 400),
  rowsAtOnce: fc.constantFrom(1, 2, 256),
  events: fc.array(event, { minLength: 8, maxLength: 50 }),
});
