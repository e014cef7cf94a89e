import { COUNTER_SPACE_END, WitnessCorruptError } from '@lakh/id-range';
import { CORRUPT_MARK_TEXTS } from '@lakh/testkit';
import { formatClusterId, formatMark, parseClusterId, parseMark } from '../src/mark-text';

test.each([
  { next: 1, ledgered: 0 },
  { next: 100_000, ledgered: 100_000 },
  { next: 2 ** 32 + 1, ledgered: 2 ** 31 },
  { next: COUNTER_SPACE_END, ledgered: COUNTER_SPACE_END },
])('$next $ledgered survives', (mark) => {
  expect(formatMark(mark).toString()).toBe(`${mark.next} ${mark.ledgered}`);
  expect(parseMark(formatMark(mark), '/next')).toEqual(mark);
});

test.each([
  ...CORRUPT_MARK_TEXTS,
  '0 0',
  '100000 0\n',
  ' 100000 0',
  '100000  0',
  '100000\t0',
  '١٠٠٠٠٠ 0',
  `100000 ${COUNTER_SPACE_END + 1}`,
])('%j is no mark, and the refusal says where and what', (text) => {
  const parse = () => parseMark(Buffer.from(text), '/lakh/ranges/links/next');
  expect(parse).toThrow(WitnessCorruptError);
  expect(parse).toThrow(/^\/lakh\/ranges\/links\/next is not two counters/);
});

test('a node without data is no mark and no cluster id', () => {
  expect(() => parseMark(undefined, '/next')).toThrow('it is empty');
  expect(() => parseClusterId(undefined, '/cluster')).toThrow(WitnessCorruptError);
});

test.each([
  { next: Number.NaN, ledgered: 0 },
  { next: 1.5, ledgered: 0 },
  { next: 0, ledgered: 0 },
  { next: -1, ledgered: 0 },
  { next: 1e21, ledgered: 0 },
  { next: COUNTER_SPACE_END + 1, ledgered: 0 },
  { next: 1, ledgered: Number.POSITIVE_INFINITY },
])('never writes $next $ledgered', (mark) => {
  expect(() => formatMark(mark)).toThrow(RangeError);
});

test('cluster ids are short and plain', () => {
  expect(parseClusterId(formatClusterId('0b9f-A_1.2'), '/cluster')).toBe('0b9f-A_1.2');
  for (const text of ['', 'a b', 'a\n', 'x'.repeat(65)]) {
    expect(() => formatClusterId(text)).toThrow(RangeError);
    expect(() => parseClusterId(Buffer.from(text), '/cluster')).toThrow(WitnessCorruptError);
  }
});
