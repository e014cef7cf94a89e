import { BadRequestError } from '@lakh/http';
import { entityTag, versionsOf } from '../src/entity-tag.js';

describe('If-Match', () => {
  test.each<[string | undefined, readonly number[] | undefined]>([
    [undefined, undefined],
    ['*', undefined],
    [' * ', undefined],
    [entityTag({ version: 3 }), [3]],
    ['"3", "4294967295",\t"5"', [3, 4_294_967_295, 5]],
    // Valid, and none of ours: RFC 9110 compares strongly.
    ['W/"3"', []],
    ['"03", "x", ""', []],
    ['"3", W/"4"', [3]],
  ])('%s lets a change meet %j', (header, versions) => {
    expect(versionsOf(header)).toEqual(versions);
  });

  test.each([
    '',
    ',',
    '3',
    '"3',
    "'3'",
    '"3" "4"',
    '"3",',
    '*, "3"',
    'w/"3"',
    '"\u0001"',
    Array(17).fill('"3"').join(),
  ])('that is %j is no list of entity tags', (header) => {
    expect(() => versionsOf(header)).toThrow(BadRequestError);
  });
});
