import { heads } from '../../../test/system/attacks/classes/smuggled-heads.js';
import { framing } from '../../../test/system/attacks/classes/smuggled-requests.js';
import { gridTalks, randomTalks } from './wire/cases.js';
import { compare, newTally, type Twins } from './wire/compare.js';
import { differenceBetween, SEED, talksOf, twinsOf } from './wire/prove.js';
import { behind, serve } from './wire/servers.js';
import { rightLane, wrongLanes } from './wire/wrong-lanes.js';

// The wire lane against node:http: whatever reaches them, in whatever pieces, they say the same, byte for byte but for the second in Date, and count the same. Minutes of
// it are in wire-lane.long.test.ts.
jest.setTimeout(120_000);

test.each(['plain', 'https, small limits'] as const)('the lane answers as node:http does: %s', async (kind) => {
  const twins = await twinsOf(kind);
  const tally = newTally();
  expect(await differenceBetween(twins, talksOf(kind), tally)).toBeUndefined();
  await Promise.all(twins.map((each) => each.close()));
  // It was there, and nobody but it answered what it has answered.
  expect(twins[1].readByNode).toBeLessThan(0.75 * twins[0].readByNode);
  if (kind !== 'plain') return;
  for (const status of ['301', '302', '307', '308', '400', '404', '410', '421', '429', '431', '500', '503', '508']) {
    expect(tally.answers.get(status) ?? 0).toBeGreaterThan(0);
  }
});

test('as many answers come of what is meant to smuggle a request, and the same', async () => {
  const twins = await twinsOf('plain');
  const hidden = 'GET /miss0 HTTP/1.1\r\nHost: x\r\n\r\n';
  const talks = [...framing, ...heads].map(({ bytes }, number) => {
    const text = bytes({ host: 'x', code: 'hit0', hidden });
    // Behind one that the lane answers, and before one that shows what the connection is good for.
    const pieces = [`GET /hit0 HTTP/1.1\r\nHost: x\r\n\r\n`, text, hidden];
    return { seed: 0, number, cases: pieces.map((piece) => ({ pieces: [piece], requests: 1 })) };
  });
  expect(talks.length).toBeGreaterThan(100);
  expect(await differenceBetween(twins, talks)).toBeUndefined();
  await Promise.all(twins.map((each) => each.close()));
});

// What Node runs between two parts of a chunk depends on whether its parser has the socket's handle, and the answers did too.
test.each([
  [
    'after a body',
    'GET /none HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nbad\r\n\r\n',
  ],
  [
    'after a body, behind what is known',
    'GET /gone0 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nbad\r\n\r\n',
  ],
  ['in a body', 'GET /none HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello-\r\n'],
])('bad bytes %s in one chunk are answered alike', async (_, text) => {
  const twins = await twinsOf('plain');
  const talk = { seed: 0, number: 0, cases: [{ pieces: [text], requests: 2 }] };
  expect(await differenceBetween(twins, [talk])).toBeUndefined();
  await Promise.all(twins.map((each) => each.close()));
});

describe('whoever compares', () => {
  let right: Twins;
  beforeAll(async () => {
    right = [await serve({ name: 'node:http', lane: false }), await serve({ name: 'its like', lane: false })];
  });
  afterAll(() => Promise.all(right.map((each) => each.close())));

  test('finds node:http like itself, and a simple lane that is right like it', async () => {
    const twins: Twins = [right[0], await behind(right[1], rightLane)];
    expect(await differenceBetween(right, randomTalks(SEED, 100))).toBeUndefined();
    // It says the same, and counts nothing.
    expect(await compare(randomTalks(SEED, 100), twins)).toBeUndefined();
    await twins[1].close();
  });

  test.each(wrongLanes)('finds out a lane that %s', async (_, front) => {
    const twins: Twins = [right[0], await behind(right[1], front)];
    const options = { laterMs: 100, atOnce: 16 };
    const found =
      (await compare(randomTalks(SEED, 100), twins, options)) ??
      (await compare(gridTalks(SEED, 3, 0), twins, options)) ??
      (await compare(randomTalks(SEED + 1, 1_000), twins, options));
    expect(found).toBeDefined();
    await twins[1].close();
  });
});
