/** What a simulated schedule consists of, and how schedules are drawn. All of it is data, so that fast-check can shrink it. */
import fc from 'fast-check';
import type { FaultPlan, Witness } from './network.js';

/** Which guards are in force, and which witness may lose its memory. */
export const SETTINGS = {
  'zookeeper-alone': 'the ledger refuses nothing, and ZooKeeper forgets nothing',
  'ledger-alone': 'ZooKeeper answers anything at all',
  both: 'one of the witnesses may be wiped or set back, at any time and as often as it likes, before anybody repairs',
  'in-turn': 'both may be, one after the other, each repaired before the other is lost',
  'links-alone': 'both are lost at once, and the links stay',
  'last-line': 'no guard is left but the unique key of the links',
  workers: 'servers are several processes, and the witnesses forget nothing',
} as const;

export type Setting = keyof typeof SETTINGS;

export const SETTING_NAMES = Object.keys(SETTINGS) as Setting[];

/** Each event happens `afterMs` after the one before it, to the server of that index, where it concerns one. */
export interface SimulatedEvent {
  readonly afterMs: number;
  readonly server: number;
  readonly kind: EventKind;
  /** How many, how long, which one: what it means depends on the kind. */
  readonly amount: number;
}

export type EventKind =
  /** Takes counters. */
  | 'burst'
  /** Makes links of counters. */
  | 'shorten'
  | 'alias'
  | 'wait'
  | 'crash'
  | 'shut down'
  /** Dies while it gives back what it had left. */
  | 'crash in shutdown'
  | 'pause'
  /** Is paused, taken for dead, and another is started in its place before it wakes. */
  | 'replace'
  /** Of a server that has workers: one of them; its server renews what crashed. */
  | 'crash worker'
  | 'pause worker'
  | 'renew worker'
  /** The worker that is told to end, or its supervisor, is paused meanwhile, or the worker crashes. */
  | 'pause in renewal'
  /** The same at the moment when ZooKeeper has given it its next range, new or a remainder, and the ledger has not. */
  | 'pause between witnesses'
  | 'crash between witnesses'
  | 'expire session'
  | 'cut connection'
  | 'ZooKeeper outage'
  | 'ledger outage'
  | 'copy ZooKeeper'
  | 'copy ledger'
  | 'ZooKeeper disaster'
  | 'ledger disaster'
  | 'repair'
  /** The operator's process dies in the middle of it. */
  | 'repair and crash';

export interface Schedule extends FaultPlan {
  /** Decides every delay and fault. */
  readonly seed: number;
  readonly setting: Setting;
  readonly servers: number;
  readonly rangeSize: number;
  /** Over an empty system, so that the servers bootstrap it. */
  readonly isFresh: boolean;
  /** The witness that forgets, in the setting where one of them does. */
  readonly forgetful: Witness;
  readonly events: readonly SimulatedEvent[];
  /** Of each server; 0: it is one process. */
  readonly workers: number;
  readonly sliceSize: number;
}

const OFTEN: readonly EventKind[] = ['burst', 'burst', 'burst', 'shorten', 'wait'];
const SERVERS: readonly EventKind[] = [
  'crash',
  'shut down',
  'shut down',
  'crash in shutdown',
  'pause',
  'pause between witnesses',
  'crash between witnesses',
  'replace',
  'expire session',
  'cut connection',
  'ZooKeeper outage',
  'ledger outage',
  'alias',
];
const WORKERS: readonly EventKind[] = ['crash worker', 'pause worker', 'renew worker', 'pause in renewal'];
const DISASTERS: readonly EventKind[] = ['ZooKeeper disaster', 'ledger disaster'];
const COPIES: readonly EventKind[] = ['copy ZooKeeper', 'copy ledger'];
const REPAIRS: readonly EventKind[] = ['repair', 'repair and crash'];

const EVENTS: Record<Setting, readonly (readonly EventKind[])[]> = {
  'zookeeper-alone': [OFTEN, OFTEN, SERVERS],
  'ledger-alone': [OFTEN, OFTEN, SERVERS],
  both: [OFTEN, OFTEN, SERVERS, [...DISASTERS, ...DISASTERS, ...COPIES, ...REPAIRS]],
  'in-turn': [OFTEN, SERVERS, [...DISASTERS, ...COPIES], [...DISASTERS, 'pause between witnesses']],
  'links-alone': [OFTEN, OFTEN, SERVERS, ['ZooKeeper disaster', 'repair']],
  'last-line': [['shorten', 'shorten', 'alias'], OFTEN, SERVERS],
  workers: [OFTEN, OFTEN, WORKERS, WORKERS, SERVERS],
};

function eventArbitrary(setting: Setting): fc.Arbitrary<SimulatedEvent> {
  return fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 4_000 })),
    server: fc.nat(2),
    kind: fc.oneof(...EVENTS[setting].map((kinds) => fc.constantFrom(...kinds))),
    amount: fc.nat(99),
  });
}

export function scheduleArbitrary(setting: Setting): fc.Arbitrary<Schedule> {
  return fc.record({
    seed: fc.integer(),
    setting: fc.constant(setting),
    // What one server has been told is of interest only where another is told something else.
    servers: fc.integer({ min: setting === 'in-turn' ? 2 : 1, max: 3 }),
    rangeSize: fc.integer({ min: 1, max: 6 }),
    faultRate: fc.constantFrom(0, 0.03, 0.1, 0.3),
    faultsAt: fc.constantFrom<FaultPlan['faultsAt'][]>('every request', 'leases', 'remainders'),
    isFresh: fc.constantFrom(false, false, false, true),
    forgetful: fc.constantFrom<Witness[]>('ZooKeeper', 'the ledger'),
    events: fc.array(eventArbitrary(setting), { minLength: 4, maxLength: 18 }),
    workers: setting === 'workers' ? fc.integer({ min: 1, max: 3 }) : fc.constant(0),
    sliceSize: setting === 'workers' ? fc.integer({ min: 1, max: 3 }) : fc.constant(1),
  });
}
