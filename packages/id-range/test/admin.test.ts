import { COVER_STATES, isUnreadable } from '@lakh/id-range';

test('what is unreadable is told from every other answer', () => {
  expect(isUnreadable({ unreadable: 'nonsense' })).toBe(true);
  for (const answer of ['missing', 'unreadable', 7, null, undefined, {}, { next: 1, ledgered: 1 }]) {
    expect(isUnreadable(answer)).toBe(false);
  }
});

test('rows that nobody leased are on record under words that never change', () => {
  expect(COVER_STATES).toEqual({ hole: 'hole', skipped: 'skipped', adopted: 'adopted' });
});
