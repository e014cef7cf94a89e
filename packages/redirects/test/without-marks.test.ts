import { withoutMarks } from '../src/without-marks.js';

describe('a code as it is copied', () => {
  test.each([
    ['Q0u', 'Q0u'],
    ['Q0u.', 'Q0u'],
    ['Q0u/', 'Q0u'],
    ['my-link_1).', 'my-link_1'],
    ['Q0u\u2026\u201d', 'Q0u'],
    ['Q0u>_*', 'Q0u'],
    ['.Q0u', '.Q0u'],
    ['Q0u.a', 'Q0u.a'],
    ['...', ''],
    ['', ''],
  ])('%j is %j without its marks', (text, code) => {
    expect(withoutMarks(text)).toBe(code);
  });

  test('loses eight marks at most, so that a long tail costs nothing', () => {
    expect(withoutMarks(`Q0u${'.'.repeat(8)}`)).toBe('Q0u');
    expect(withoutMarks(`Q0u${'.'.repeat(9)}`)).toBe('Q0u.');
  });
});
