import { BUCKETS, bucketOf } from '@lakh/links';
import { linkKey, slotOfBucket, stateKey } from '../src/copy-keys.js';
import { slotOf } from '../src/slots.js';

const EPOCH = 'e'.repeat(16);

test('keys are pinned: servers of two releases share a copy', () => {
  expect([stateKey(0), stateKey(255)]).toEqual(['lakh:c:{973}:0', 'lakh:c:{40}:255']);
  expect(linkKey({ domainId: 0, code: 'Q0u' }, EPOCH)).toBe(`lakh:l:{708}:${EPOCH}:0:Q0u`);
});

test('a link lies in the slot of its bucket’s state', () => {
  for (let i = 0; i < 1_000; i += 1) {
    const link = { domainId: i % 3, code: `c${i}` };
    const bucket = bucketOf(link.domainId, link.code);
    expect(slotOf(linkKey(link, EPOCH))).toBe(slotOfBucket(bucket));
    expect(slotOf(stateKey(bucket))).toBe(slotOfBucket(bucket));
  }
});

test.each([3, 5, 6, 8, 10])('%i masters have about as many buckets each', (masters) => {
  const counts = new Array(masters).fill(0);
  for (let bucket = 0; bucket < BUCKETS; bucket += 1)
    counts[Math.floor((slotOfBucket(bucket) * masters) / 16_384)] += 1;
  for (const count of counts) expect(Math.abs(count - BUCKETS / masters)).toBeLessThanOrEqual(8);
});
