import {
  AliasDeletedError,
  AliasTakenError,
  ChangedSinceError,
  DuplicateCounterError,
  InvalidLinkError,
  LinkGoneError,
  LinkLoopError,
  LinkNotFoundError,
  StoreOutcomeUnknownError,
  StoreUnavailableError,
  TooManyBurntCountersError,
} from '../src/index.js';

test.each([
  [AliasDeletedError, 'AliasDeletedError', 'alias_deleted'],
  [AliasTakenError, 'AliasTakenError', 'alias_taken'],
  [LinkNotFoundError, 'LinkNotFoundError', 'link_not_found'],
  [LinkGoneError, 'LinkGoneError', 'link_gone'],
  [StoreUnavailableError, 'StoreUnavailableError', 'store_unavailable'],
  [StoreOutcomeUnknownError, 'StoreOutcomeUnknownError', 'store_outcome_unknown'],
  [DuplicateCounterError, 'DuplicateCounterError', 'duplicate_counter'],
  [TooManyBurntCountersError, 'TooManyBurntCountersError', 'too_many_burnt_counters'],
])('%p has its own name and a stable code', (Type, name, code) => {
  expect(new Type('why')).toMatchObject({ name, code, message: 'why' });
});

test('a change that came too late tells of which version the link is', () => {
  expect(new ChangedSinceError(7)).toMatchObject({
    name: 'ChangedSinceError',
    code: 'changed_since',
    message: 'The link was changed since: it is of version 7 now.',
  });
});

test('a link that goes in circles tells its caller no more than that', () => {
  expect(new LinkLoopError('Q0u leads to https://lakh.example/')).toMatchObject({
    name: 'LinkLoopError',
    code: 'link_loop',
    publicDetail: 'This link leads back to this service.',
  });
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
