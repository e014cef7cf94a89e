import {
  AliasTakenError,
  DuplicateCounterError,
  InvalidLinkError,
  LinkGoneError,
  LinkNotFoundError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  TooManyBurntCountersError,
} from '../src/index.js';

test.each([
  [new AliasTakenError('why'), 'AliasTakenError', 'alias_taken'],
  [new LinkNotFoundError('why'), 'LinkNotFoundError', 'link_not_found'],
  [new LinkGoneError('why'), 'LinkGoneError', 'link_gone'],
  [new StoreUnavailableError('why'), 'StoreUnavailableError', 'store_unavailable'],
  [new StoreOutcomeUnknownError('why'), 'StoreOutcomeUnknownError', 'store_outcome_unknown'],
  [new DuplicateCounterError('why'), 'DuplicateCounterError', 'duplicate_counter'],
  [new TooManyBurntCountersError('why'), 'TooManyBurntCountersError', 'too_many_burnt_counters'],
])('%s has its own name and a stable code', (error, name, code) => {
  expect(error).toMatchObject({ name, code, message: 'why' });
});

test('an invalid link says what is wrong with each field', () => {
  const problems = [
    { field: 'long_url', rule: 'empty', reason: 'is empty' },
    { field: 'alias', rule: 'reserved', reason: 'is a reserved word' },
  ];
  expect(new InvalidLinkError(problems)).toMatchObject({
    name: 'InvalidLinkError',
    code: 'invalid_link',
    message: 'long_url: is empty; alias: is a reserved word',
    problems,
  });
});
