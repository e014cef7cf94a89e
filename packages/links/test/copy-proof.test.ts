import { CopyProof, type CopyState } from '../src/index.js';

const state = (pulse: number, changes: Partial<CopyState> = {}): CopyState => ({
  pulse,
  nonce: pulse.toString(16).padStart(16, '0'),
  epoch: 'e'.repeat(16),
  position: { seq: 0, nonce: '0'.repeat(16) },
  ...changes,
});
const NEVER = Number.NEGATIVE_INFINITY;

/** What each poll proves, of polls that are sent at 0, 100, 200 … */
function proven(...polls: (CopyState | undefined)[]): number[] {
  const proof = new CopyProof();
  return polls.map((found, i) => {
    proof.polled(i * 100, found);
    return proof.provenMs;
  });
}

test('one advance of the pulse proves nothing, two prove the moment at which the first poll was sent', () => {
  expect(proven(state(5), state(6), state(7), state(8), state(9))).toEqual([NEVER, NEVER, 0, 100, 200]);
});

test('of the polls that found one pulse, the last counts', () => {
  expect(proven(state(5), state(5), state(5), state(6), state(6), state(7))).toEqual([
    NEVER,
    NEVER,
    NEVER,
    NEVER,
    NEVER,
    200,
  ]);
});

test('several advances between two polls prove the one before, and never less than was proven', () => {
  expect(proven(state(5), state(7), state(7), state(8), state(20), state(20))).toEqual([NEVER, 0, 0, 0, 300, 300]);
});

test('a pulse that stands still proves nothing new', () => {
  expect(proven(state(5), state(7), state(7), state(7)).at(-1)).toBe(0);
});

test.each<[string, CopyState | undefined]>([
  ['goes back', state(6)],
  ['is of another epoch', state(8, { epoch: 'f'.repeat(16) })],
  ['is missing', undefined],
])('nothing that was proven outlasts a state that %s', (_, found) => {
  expect(proven(state(5), state(7), found).at(-1)).toBe(NEVER);
  const proof = new CopyProof();
  for (const [i, each] of [state(5), state(7), found].entries()) proof.polled(i * 100, each);
  expect(proof.epoch).toBe(found?.epoch);
  proof.polled(300, state(9, { epoch: found?.epoch ?? 'd'.repeat(16) }));
  expect(proof.provenMs).toBe(found !== undefined && found.pulse <= 7 ? 200 : NEVER);
});
