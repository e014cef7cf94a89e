import { bucketOf } from '@lakh/links';

describe('the bucket of a code', () => {
  // As zlib computes it.
  it.each([
    [0, 'abc', 142],
    [0, 'q0', 224],
    [7, 'Hello-World_9', 227],
    [4294967295, 'ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ', 94],
  ])('of %i and %s is %i', (domainId, code, bucket) => {
    expect(bucketOf(domainId, code)).toBe(bucket);
  });
});
