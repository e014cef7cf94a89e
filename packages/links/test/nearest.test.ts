import { nearestOf } from '../src/nearest.js';

const KNOWN = ['long_url', 'alias', 'expires_at', 'max_clicks', 'expired_url'];

test.each([
  ['longUrl', 'long_url'],
  ['expire_at', 'expires_at'],
  ['alis', 'alias'],
  // The first that has it as a word, where no spelling is near.
  ['url', 'long_url'],
  ['clicks', 'max_clicks'],
  ['at', 'expires_at'],
  ['slug', undefined],
  ['', undefined],
  ['_', undefined],
  ['u'.repeat(40), undefined],
])('%s is meant for %s', (name, meant) => {
  expect(nearestOf(name, KNOWN)).toBe(meant);
});
