import { decodeChange, encodeChange } from '../src/index.js';

describe('a change as a message', () => {
  test.each([
    { domainId: 0, code: 'Q0u', version: 2 },
    { domainId: 4_294_967_295, code: 'my-alias_2026', version: 1_000_000_000 },
  ])('says of which link and version: %j', (change) => {
    expect(decodeChange(encodeChange(change))).toEqual(change);
  });

  test.each([
    '',
    '0',
    '0|Q0u',
    '0|Q0u|0',
    '0|Q0u|2|',
    ' 0|Q0u|2',
    '0|-|2',
    `0|${'x'.repeat(65)}|2`,
    '-1|Q0u|2',
    '0|Q0u|2\n',
  ])('that is %j is none', (message) => {
    expect(decodeChange(message)).toBeUndefined();
  });
});
