import { SampleLinks, storedAs, tombstoneOf } from '@lakh/testkit';
import {
  type CopyState,
  endOfCopyState,
  formatCopyState,
  type LogReading,
  type LogRow,
  parseCopyState,
  type StoredLink,
  stepOf,
} from '../src/index.js';

const nonce = (n: number) => n.toString(16).padStart(16, '0');
let drawn = 0;
const newNonce = () => {
  drawn += 1;
  return nonce(0xf000 + drawn);
};
const drawNonces = () => ({ nonce: newNonce(), newNonce });
const held: CopyState = { pulse: 3, nonce: nonce(1), epoch: nonce(2), position: { seq: 7, nonce: nonce(7) } };
const FROM = formatCopyState(held);

const sample = new SampleLinks();
const row = (seq: number, link: StoredLink, version = link.version): LogRow => ({
  seq,
  nonce: nonce(seq),
  domainId: link.domainId,
  code: link.code,
  version,
  link,
});
const reading = (headSeq: number, rows: readonly LogRow[] = [], changes: Partial<LogReading> = {}): LogReading => ({
  bucket: 9,
  head: { seq: headSeq, nonce: nonce(headSeq) },
  continues: true,
  rows,
  ...changes,
});
const links = Array.from({ length: 4 }, () => storedAs(sample.generated(), 2));
const [one, two] = links as [StoredLink, StoredLink];

describe('the text of a state', () => {
  test('is read as it was written, and ends with its place', () => {
    expect(parseCopyState(FROM)).toEqual(held);
    expect(FROM.endsWith(endOfCopyState(held))).toBe(true);
  });

  test.each([
    '',
    '2|3|0|0|0|0',
    `${FROM} `,
    FROM.replace('|3|', '|0|'),
    FROM.replace('|3|', '|9999999999999|'),
    FROM.replace('|7|', '|07|'),
    FROM.replace(nonce(7), nonce(7).slice(1)),
  ])('%j is none', (text) => {
    expect(parseCopyState(text)).toBeUndefined();
  });
});

test('where the log has nothing new, the pulse alone moves', () => {
  const step = stepOf(FROM, reading(7), drawNonces());
  expect(step).toMatchObject({ bucket: 9, kind: 'advanced', from: FROM, changes: undefined });
  expect(parseCopyState(step.to)).toEqual({ ...held, pulse: 4, nonce: expect.not.stringMatching(held.nonce) });
  expect(stepOf(FROM, reading(7), drawNonces()).to).not.toBe(step.to);
});

test('what the log has is applied, the last of each code, up to its head', () => {
  const deleted = tombstoneOf(one, 3);
  const step = stepOf(FROM, reading(10, [row(8, one), row(9, two), row(10, deleted)]), drawNonces());
  expect(step).toMatchObject({
    kind: 'applied',
    state: { pulse: 4, epoch: held.epoch, position: { seq: 10, nonce: nonce(10) } },
  });
  expect(step.changes).toEqual({
    epoch: held.epoch,
    changes: [
      { domainId: 0, code: one.code, version: 3, link: deleted },
      { domainId: 0, code: two.code, version: 2, link: two },
    ],
  });
});

test('short of the head it is a piece, and the pulse stands still', () => {
  const step = stepOf(FROM, reading(10, [row(8, one)]), drawNonces());
  expect(step).toMatchObject({ kind: 'piece', state: { pulse: 3, position: { seq: 8, nonce: nonce(8) } } });
  expect(step.state.nonce).not.toBe(held.nonce);
});

test('a link that has changed again since its row, or cannot be read, is taken out: no position holds what is newer', () => {
  const again = { ...one, version: 3 };
  const unread = { ...row(9, two), link: undefined };
  const step = stepOf(FROM, reading(11, [row(8, again, 2), unread]), drawNonces());
  expect(step.changes?.changes.map(({ version, link }) => [version, link])).toEqual([
    [2, undefined],
    [2, undefined],
  ]);
});

test.each<[string, string, LogReading]>([
  ['there is no state', '', reading(7)],
  ['the state is none of ours', 'who was here', reading(7)],
  ['the log does not go on from there', FROM, reading(9, [], { continues: false })],
  ['rows begin behind a gap', FROM, reading(9, [row(9, one)])],
  ['rows have a gap', FROM, reading(10, [row(8, one), row(10, two)])],
  ['the log ends before it', FROM, reading(6)],
  ['the log has another row there', FROM, reading(7, [], { head: { seq: 7, nonce: nonce(8) } })],
  ['the last row is not the head’s', FROM, reading(8, [row(8, one)], { head: { seq: 8, nonce: nonce(9) } })],
  ['there should be rows, and are none', FROM, reading(8)],
])('%s: a new epoch with nothing in it', (_, from, found) => {
  const step = stepOf(from, found, drawNonces());
  expect(step).toMatchObject({ kind: 'cold', from, changes: undefined, state: { position: found.head } });
  expect(step.state.epoch).not.toBe(held.epoch);
  expect(step.state.pulse).toBe(from === FROM ? 4 : 1);
  expect(parseCopyState(step.to)).toEqual(step.state);
});
