import { join } from 'node:path';
import type * as recogniser from '../../http/src/wire/recogniser.js';
import { countBranches } from './wire/branches.js';
import type { Talk } from './wire/cases.js';
import { talksOf } from './wire/prove.js';

// What the lane is compared with node:http by (wire-lane.test.ts) takes both sides of every branch of the recogniser: none of it is unproven.
jest.setTimeout(60_000);

const RECOGNISER = join(__dirname, '..', '..', 'http', 'src', 'wire', 'recogniser.ts');

const count = () => countBranches<typeof recogniser>(RECOGNISER);
type Counted = ReturnType<typeof count>;

/** As a connection of the lane has its chunks read: until one is not its. */
function read({ exports: { recognise, valuesOf } }: Counted, { cases }: Talk): void {
  let known: recogniser.Recognised | undefined;
  for (const piece of cases.flatMap(({ pieces }) => pieces)) {
    const recognised = recognise(Buffer.from(piece, 'latin1'), known);
    if (recognised === undefined) return;
    for (const name of ['accept', 'x-forwarded-for', 'x-request-id']) valuesOf(recognised.fields, name);
    known = recognised;
  }
}

test('both sides of every branch of the recogniser are taken by what it is proven with', () => {
  const counted = count();
  for (const talk of talksOf('plain')) read(counted, talk);
  expect(counted.untaken()).toEqual([]);
});

test('a side that is not taken is told', () => {
  const counted = count();
  read(counted, { seed: 0, number: 0, cases: [{ pieces: ['GET /a HTTP/1.1\r\nHost: x\r\n\r\n'], requests: 1 }] });
  const untaken = counted.untaken();
  expect(untaken).toContainEqual(expect.stringMatching(/side 1 of if: if \(method === undefined\) return undefined;/));
  expect(untaken).toContainEqual(expect.stringMatching(/side 2 of cond-expr: .*'HEAD'/));
  expect(untaken).toContainEqual(expect.stringMatching(/side 2 of binary-expr: .*names.length === 0/));
});
