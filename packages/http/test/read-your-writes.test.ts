import { isReadYourWrites, RYOW_WINDOW_MS, ryowCookie } from '../src/index.js';

const NOW_MS = 1_767_225_600_000;

describe('the read-your-writes cookie', () => {
  test('is for this host alone, unseen by scripts, and lasts as long as its window', () => {
    expect(ryowCookie(NOW_MS, false)).toBe(`ryow_until=${NOW_MS + 30_000}; Path=/; Max-Age=30; HttpOnly; SameSite=Lax`);
    const secure = ryowCookie(NOW_MS, true);
    expect(secure).toMatch(/^__Host-ryow_until=\d{13}; Path=\/; Max-Age=30; HttpOnly; SameSite=Lax; Secure$/);
    expect(isReadYourWrites(secure, NOW_MS)).toBe(true);
  });

  test.each([
    ['just given', `ryow_until=${NOW_MS + RYOW_WINDOW_MS}`, true],
    ['about to end', `ryow_until=${NOW_MS + 1}`, true],
    ['ended', `ryow_until=${NOW_MS}`, false],
    ['longer than any that this service gives', `ryow_until=${NOW_MS + RYOW_WINDOW_MS + 1}`, false],
    ['behind other cookies', `a=1; ryow_until=${NOW_MS + 1}`, true],
    ['behind one of its own name that is nonsense', `ryow_until=x; ryow_until=${NOW_MS + 1}`, true],
    ['of fourteen digits, beyond the window', `ryow_until=${NOW_MS}0`, false],
    ['of too few digits', 'ryow_until=1', false],
    ['of too many digits', `ryow_until=${NOW_MS}000`, false],
    ['with something before its digits', `ryow_until=x${NOW_MS + 1}`, false],
    ['with something behind its digits', `ryow_until=${NOW_MS + 1}x`, false],
    ['under a longer name', `not_ryow_until=${NOW_MS + 1}`, false],
    ['of https', `__Host-ryow_until=${NOW_MS + 1}`, true],
    ['without a value', 'ryow_until', false],
    ['not there', 'theme=dark', false],
  ])('one that is %s: %s', (_, header, expected) => {
    expect(isReadYourWrites(header, NOW_MS)).toBe(expected);
  });
});
