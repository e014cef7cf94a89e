import { gridTalks, randomTalks } from './wire/cases.js';
import { newTally } from './wire/compare.js';
import { differenceBetween, twinsOf } from './wire/prove.js';

// What wire-lane.test.ts does, for a million requests; another million each time. A failure prints its seed.
jest.setTimeout(1_200_000);

const PARTS = 10;
const REQUESTS_A_PART = 100_000;
const FIRST_SEED = Date.now() % 1_000_000_000;

test('each case of the grid is answered as node:http does', async () => {
  const twins = await twinsOf('plain');
  const tally = newTally();
  expect(await differenceBetween(twins, gridTalks(0, 1, 0), tally)).toBeUndefined();
  expect(tally.talks).toBeGreaterThan(9_000);
  await Promise.all(twins.map((each) => each.close()));
});

test.each(Array.from({ length: PARTS }, (_, part) => FIRST_SEED + part))(
  'so are 100,000 requests of seed %d',
  async (seed) => {
    const twins = await twinsOf(seed % 2 === 0 ? 'plain' : 'https, small limits');
    const tally = newTally();
    const beganMs = performance.now();
    for (let number = 0; tally.requests < REQUESTS_A_PART; number += 1) {
      expect(await differenceBetween(twins, randomTalks(seed * PARTS + number, 2_000), tally)).toBeUndefined();
    }
    const byLane = twins[0].readByNode - twins[1].readByNode;
    const answers = [...tally.answers].sort().map(([status, count]) => `${status}: ${count}`);
    process.stderr.write(
      `seed ${seed}: ${tally.requests} requests on ${tally.talks} connections, ${byLane} answered by the lane, in ${Math.round((performance.now() - beganMs) / 1000)} s; ${answers.join(', ')}\n`,
    );
    await Promise.all(twins.map((each) => each.close()));
  },
);
