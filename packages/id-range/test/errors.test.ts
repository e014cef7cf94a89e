import {
  AllocatorSealedError,
  BrokenInvariantError,
  ClusterMismatchError,
  CounterSpaceEndedError,
  type IdRangeError,
  IdsExhaustedError,
  isRefusal,
  LeaseContentionError,
  LeaseTooOldError,
  LedgerForgotError,
  LedgerMissingError,
  LedgerNotEmptyError,
  MarkForgotError,
  MarkImplausibleError,
  MarkMissingError,
  RangeOverlapError,
  UnknownOutcomeError,
  WitnessCorruptError,
  WitnessUnavailableError,
} from '@lakh/id-range';

const runbook = (code: string) => `See docs/runbooks/${code}.md`;

/** What leasing fails closed on, and what the person who has to look reads. */
const REFUSALS: [string, () => IdRangeError, string][] = [
  [
    'witness_corrupt',
    () => new WitnessCorruptError('the mark is "x"'),
    'the mark is "x": it was overwritten by something other than Lakh, or damaged.',
  ],
  [
    'zookeeper_forgot',
    () => new MarkForgotError(1, 2, 'the ledger'),
    'the mark is 1, but the ledger knows that it was at least 2: the mark was wiped or restored from an old copy, and leasing from it ' +
      'would hand out counters again.',
  ],
  [
    'mark_implausible',
    () => new MarkImplausibleError(9, 2, 5),
    "the mark is 9, 7 above the ledger's head 2, and leases that were given up explain no more than 5: somebody other than Lakh raised the " +
      'mark, or servers have been leasing in vain for days; what lies between would be lost.',
  ],
  [
    'ledger_forgot',
    () => new LedgerForgotError(1, 2, 'this process'),
    "the ledger's head is 1, but this process knows that it was at least 2: the ledger was restored from an old copy or an " +
      'unsynchronised replica of it was promoted, so leases are missing from it.',
  ],
  [
    'cluster_mismatch',
    () => new ClusterMismatchError('a', 'b'),
    'the mark belongs to cluster a, the ledger to cluster b: this server is configured with the mark of one system (or another chroot) ' +
      'and the ledger of another.',
  ],
  [
    'mark_missing',
    () => new MarkMissingError(7),
    "there is no mark, but there are leases or generated links (the ledger's head is 7): the mark was wiped, or this is not the place " +
      '(the chroot) where it was kept before.',
  ],
  [
    'ledger_missing',
    () => new LedgerMissingError(),
    'the ledger has no head row: the ledger was wiped, or this is not the one that was used before.',
  ],
  [
    'ledger_missing',
    () => new LedgerMissingError(7),
    'the mark is 7, but the ledger has no head row: the ledger was wiped, or this is not the one that was used before.',
  ],
  [
    'ledger_not_empty',
    () => new LedgerNotEmptyError(),
    'there is neither a mark nor a ledger head, but there are leases or generated links: both witnesses were lost, and which counters ' +
      'have been issued is not known to either.',
  ],
  [
    'range_overlap',
    () => new RangeOverlapError(1, 2),
    'the ledger already has a lease that overlaps [1, 2), which the mark has just given to this server: the mark handed out counters a ' +
      'second time; the ledger stopped it, and the range is abandoned.',
  ],
];

test.each(REFUSALS)('%s says what was found, what it means, and where to read on', (code, create, words) => {
  const error = create();
  expect(error).toMatchObject({ code, message: `${words} ${runbook(code)}` });
  expect(isRefusal(error)).toBe(true);
});

test.each<[string, () => IdRangeError, string]>([
  ['ids_exhausted', () => new IdsExhaustedError(), 'nothing is left to issue'],
  ['witness_unavailable', () => new WitnessUnavailableError('down'), 'down'],
  ['unknown_outcome', () => new UnknownOutcomeError('silence'), 'silence'],
  [
    'lease_contention',
    () => new LeaseContentionError(3),
    'other servers moved the mark 3 times in a row before this one could; nothing was leased',
  ],
  [
    'lease_too_old',
    () => new LeaseTooOldError(600.4, 500),
    'the attempt took 600 ms, and past 500 ms a lease is given up: this process was paused, or a witness is very slow',
  ],
  [
    'allocator_sealed',
    () => new AllocatorSealedError(),
    'this server is shutting down and has given up the counters it had left',
  ],
  [
    'broken_invariant',
    () => new BrokenInvariantError('what'),
    `what: a counter may have been issued twice, so this server issues nothing more. ${runbook('broken_invariant')}`,
  ],
])('%s is no refusal of the witnesses', (code, create, message) => {
  const error = create();
  expect(error).toMatchObject({ code, message });
  expect(isRefusal(error)).toBe(false);
});

test('the end of the space is a refusal: a person has to add a key', () => {
  expect(isRefusal(new CounterSpaceEndedError('every counter has been leased'))).toBe(true);
  expect(new CounterSpaceEndedError('')).toMatchObject({ code: 'counter_space_ended' });
});

test('what is no error of the allocator is no refusal, whatever its code', () => {
  expect(isRefusal(Object.assign(new Error('other'), { code: 'mark_missing' }))).toBe(false);
  expect(isRefusal(undefined)).toBe(false);
});

test('exhaustion tells a client no more than it may know, and when to ask again', () => {
  expect(new IdsExhaustedError()).toMatchObject({ publicDetail: 'nothing is left to issue', retryAfterS: 1 });
  expect(new IdsExhaustedError('why', 5)).toMatchObject({ publicDetail: 'why', retryAfterS: 5 });
});
