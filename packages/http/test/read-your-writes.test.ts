import { createHmac } from 'node:crypto';
import { createRyowCookie, createRyowReader, RYOW_SKEW_MS, RYOW_WINDOW_MS } from '../src/index.js';

const NOW_MS = 1_767_225_600_000;
const KEY = new Uint8Array(32).fill(7);
const OTHER_KEY = new Uint8Array(32).fill(8);
const hasJustWritten = createRyowReader(() => KEY);

/** As only who has the key can make it. */
const signed = (untilMs: number, key = KEY, name = 'ryow_until') => {
  const mac = createHmac('sha256', key).update(String(untilMs)).digest().subarray(0, 16).toString('base64url');
  return `${name}=${untilMs}.${mac}`;
};
const MAC = signed(NOW_MS + 1_000).slice(-22);

describe('the read-your-writes cookie', () => {
  test('is for this host alone, unseen by scripts, and lasts as long as its window', () => {
    const cookieOf = createRyowCookie(KEY, false);
    expect(cookieOf(NOW_MS)).toBe(`${signed(NOW_MS + 30_000)}; Path=/; Max-Age=30; HttpOnly; SameSite=Lax`);
    const secure = createRyowCookie(KEY, true)(NOW_MS);
    expect(secure).toMatch(
      /^__Host-ryow_until=\d{13}\.[\w-]{22}; Path=\/; Max-Age=30; HttpOnly; SameSite=Lax; Secure$/,
    );
    expect(hasJustWritten(secure, NOW_MS)).toBe(true);
  });

  test('opens a window of 29 to 30 seconds, of one text for each second', () => {
    const cookieOf = createRyowCookie(KEY, false);
    const untilOf = (nowMs: number) => Number(/=(\d+)\./.exec(cookieOf(nowMs))?.[1]);
    for (let ms = 0; ms < 3_000; ms += 100) {
      const leftMs = untilOf(NOW_MS + ms) - (NOW_MS + ms);
      expect(leftMs).toBeLessThanOrEqual(RYOW_WINDOW_MS);
      expect(leftMs).toBeGreaterThan(RYOW_WINDOW_MS - 1_000);
      expect(hasJustWritten(cookieOf(NOW_MS + ms), NOW_MS + ms)).toBe(true);
    }
    expect(cookieOf(NOW_MS + 999)).toBe(cookieOf(NOW_MS));
    expect(cookieOf(NOW_MS + 1_000)).not.toBe(cookieOf(NOW_MS));
  });

  test.each([
    ['just given', signed(NOW_MS + RYOW_WINDOW_MS), true],
    ['about to end', signed(NOW_MS + 1), true],
    ['ended', signed(NOW_MS), false],
    ['of a server whose clock is ahead by a millisecond', signed(NOW_MS + RYOW_WINDOW_MS + 1), true],
    ['of a server whose clock is ahead by seconds', signed(NOW_MS + RYOW_WINDOW_MS + RYOW_SKEW_MS), true],
    ['of a server whose clock is behind by seconds', signed(NOW_MS + RYOW_WINDOW_MS - RYOW_SKEW_MS), true],
    ['signed, and longer than any that is given', signed(NOW_MS + RYOW_WINDOW_MS + RYOW_SKEW_MS + 1), false],
    ['signed, for a day', signed(NOW_MS + 86_400_000), false],
    ['not signed', `ryow_until=${NOW_MS + 1_000}`, false],
    ['signed with nothing', `ryow_until=${NOW_MS + 1_000}.`, false],
    ['signed with a guess', `ryow_until=${NOW_MS + 1_000}.${'A'.repeat(22)}`, false],
    ['signed with another key', signed(NOW_MS + 1_000, OTHER_KEY), false],
    ['signed for another time', `ryow_until=${NOW_MS + 1_001}.${MAC}`, false],
    ['signed in other letters of the same bits', `${signed(NOW_MS + 1_000).slice(0, -1)}-`, false],
    ['signed and gone on', `${signed(NOW_MS + 1_000)}A`, false],
    ['in another spelling of its digits', `ryow_until=0${NOW_MS + 1_000}.${MAC}`, false],
    ['behind other cookies', `a=1; ${signed(NOW_MS + 1)}`, true],
    ['before other cookies, without a blank', `${signed(NOW_MS + 1)};a=1`, true],
    ['behind one of its own name that is nonsense', `ryow_until=x; ${signed(NOW_MS + 1)}`, true],
    ['behind one that has ended', `${signed(NOW_MS)}; ${signed(NOW_MS + 1)}`, true],
    ['behind three that are forged', `${`${signed(NOW_MS + 1, OTHER_KEY)}; `.repeat(3)}${signed(NOW_MS + 1)}`, true],
    ['under a longer name', signed(NOW_MS + 1, KEY, 'not_ryow_until'), false],
    ['of https', signed(NOW_MS + 1, KEY, '__Host-ryow_until'), true],
    ['without a value', 'ryow_until', false],
    ['not there', 'theme=dark', false],
    ['of no header', '', false],
  ])('one that is %s: %s', (_, header, expected) => {
    expect(hasJustWritten(header, NOW_MS)).toBe(expected);
  });

  test('no more than four are looked at closely, however many a header holds', () => {
    const forged = `${signed(NOW_MS + 1, OTHER_KEY)}; `;
    expect(hasJustWritten(`${forged.repeat(4)}${signed(NOW_MS + 1)}`, NOW_MS)).toBe(false);
  });

  test('counts for nothing while the key is not known', () => {
    let key: Uint8Array | undefined;
    const reader = createRyowReader(() => key);
    expect(reader(signed(NOW_MS + 1), NOW_MS)).toBe(false);
    key = KEY;
    expect(reader(signed(NOW_MS + 1), NOW_MS)).toBe(true);
  });
});
