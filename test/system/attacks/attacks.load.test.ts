import { type Attacked, startAttacked } from './attacked.js';
import { alteredValues } from './classes/altered-values.js';
import { bodies } from './classes/bodies.js';
import { forgedCookies } from './classes/cookies.js';
import { forgedChanges } from './classes/forged-changes.js';
import { growingRequests } from './classes/growing-requests.js';
import { guesses } from './classes/guesses.js';
import { linkTargets } from './classes/link-targets.js';
import { otherSites } from './classes/other-sites.js';
import { paths } from './classes/paths.js';
import { poisonedRedis } from './classes/redis.js';
import { rights } from './classes/rights.js';
import { slowClients } from './classes/slow-clients.js';
import { smuggling } from './classes/smuggling.js';
import { spoofedHeaders } from './classes/spoofed-headers.js';
import { type Attacks, Tally } from './tally.js';

// What docs/security.md says, tried on the whole system behind its gateway, on each of its servers by itself, and on `npm start`.
jest.setTimeout(120_000);

const CLASSES: Readonly<Record<string, (attacked: Attacked) => Attacks | Promise<Attacks>>> = {
  'request smuggling': smuggling,
  "other sites' pages": otherSites,
  'targets of links': linkTargets,
  'encodings of bodies': bodies,
  'paths and methods': paths,
  'spoofed headers': spoofedHeaders,
  'rights and operations': rights,
  'poisoned Redis': poisonedRedis,
  'altered values in Redis': alteredValues,
  'forged changes in Redis': forgedChanges,
  'growing requests': growingRequests,
  'forged cookies': forgedCookies,
  'guessing and floods': guesses,
};

const tally = new Tally();
let attacked: Attacked;
/** They wait more than they work, and what else goes on is no excuse. */
let slow: Promise<string[]>;
beforeAll(async () => {
  attacked = await startAttacked();
  slow = slowClients(attacked).then((attacks) => tally.make('slow clients', attacks));
  slow.catch(() => {});
});
afterAll(async () => {
  await slow?.catch(() => {});
  process.stderr.write(`${tally.table()}\n`);
  await attacked?.close();
});

test.each(Object.entries(CLASSES))('%s get nothing', async (name, attacksOn) => {
  const got = await tally.make(name, await attacksOn(attacked));
  expect(got.slice(0, 20)).toEqual([]);
});

test('slow clients get nothing', async () => {
  expect((await slow).slice(0, 20)).toEqual([]);
});

test('no answer to any of it tells what is inside, carries what was injected, or may be kept', () => {
  expect(attacked.witness.answers).toBeGreaterThan(1_000);
  expect(attacked.witness.got).toEqual([]);
  expect(attacked.witness.unavailable).toBeLessThan(attacked.witness.answers / 50);
});
