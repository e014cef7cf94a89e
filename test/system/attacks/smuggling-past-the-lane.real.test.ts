import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../../deploy/local/src/index.js';
import { launch } from '../../../deploy/local/src/servers/launch.js';
import { nginxPlan } from '../../../deploy/local/src/servers/nginx.js';
import type { LocalServer } from '../../../deploy/local/src/servers/server.js';
import { emptied } from '../../../packages/redirects/test/wire/compare.js';
import { codeOf } from '../../../packages/redirects/test/wire/outcomes.js';
import { type Served, serve } from '../../../packages/redirects/test/wire/servers.js';
import { totalsOf } from '../../../packages/redirects/test/wire/totals.js';
import { heads } from './classes/smuggled-heads.js';
import { framing, type Place, type Smuggling } from './classes/smuggled-requests.js';
import { answersIn, exchange } from './wire.js';

// What is meant to smuggle a request goes through the gateway to two redirect servers, one with the wire lane and one without: as many answers come
// back, the same ones, and as many requests have reached either.
jest.setTimeout(60_000);

/** A server and the gateway in front of it. */
interface Way {
  readonly served: Served;
  readonly gateway: LocalServer;
}

const HIT = codeOf('hit', 0);
const hidden = `GET /${codeOf('perm', 0)} HTTP/1.1\r\nHost: x\r\n\r\n`;
const place: Place = { host: 'x', code: HIT, hidden };

/** Of requests that all go to redirect servers, and of ones with bodies that go to whoever makes links. */
const CORPUS: readonly (readonly [what: string, bytes: string])[] = [...framing, ...heads].flatMap(
  ({ what, bytes }: Smuggling) => {
    const text = bytes(place);
    const asClick = text.replace('POST /api/v1/urls', `GET /${HIT}`);
    return asClick === text
      ? [[what, text] as const]
      : [[what, text] as const, [`${what}, of a click`, asClick] as const];
  },
);

/** No word for longer than nginx waits for a body, a head, or a client that it has refused. */
const QUIET_MS = 8_000;
/** All of it would be more than a listener lets wait, and nginx waits for half a second. */
const AT_ONCE = 48;
const CLOSING = `GET /${HIT} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;

let dir: string;
let ways: readonly [Way, Way];

async function open(name: string, lane: boolean): Promise<Way> {
  const served = await serve({ name, lane });
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const ports = { port, adminPort, shortenPorts: [served.port], redirectPorts: [served.port] };
  const gateway = await launch(
    nginxPlan({ name, dir: join(dir, name), ...ports, ratePerS: 10_000, requestsPerClient: 1_000 }),
  );
  return { served, gateway };
}

beforeAll(async () => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'lakh-smuggling-')));
  ways = [await open('off', false), await open('on', true)];
});
afterAll(async () => {
  await Promise.all(ways.map(async ({ served, gateway }) => [await gateway.stop(), await served.close()]));
  rmSync(dir, { recursive: true, force: true });
});

/** What comes of bytes behind a plain click and before another one that ends the connection, but for what names the moment. */
async function heard({ gateway }: Way, from: string, bytes: string): Promise<string[]> {
  const before = `GET /${HIT} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const { text, answers } = await exchange({
    port: gateway.plan.port,
    from,
    // At once: what nginx makes of it must not depend on what it has read when.
    pieces: [before + bytes + CLOSING],
    quietMs: QUIET_MS,
  });
  const steady = text
    .replace(/\r\nDate: [^\r]*/g, '')
    .replace(/\r\nX-Request-Id: [0-9a-f]{32}/g, '')
    .replace(/"(instance|request_id)":"[^"]*"/g, '');
  return [`${answers.length} answers`, ...answersIn(steady).map(({ head, body }) => `${head} ${body}`), steady];
}

test('as many answers come through nginx of what is meant to smuggle a request, lane or none', async () => {
  const both: { what: string; off: string[]; on: string[] }[] = [];
  const rest = CORPUS.entries();
  async function some(): Promise<void> {
    for (const [number, [what, bytes]] of rest) {
      const from = `127.9.${number >> 8}.${(number % 250) + 1}`;
      const [off, on] = await Promise.all([heard(ways[0], from, bytes), heard(ways[1], from, bytes)]);
      both.push({ what, off, on });
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  expect(both.filter(({ off, on }) => JSON.stringify(off) !== JSON.stringify(on))).toEqual([]);
  expect(both.length).toBeGreaterThan(300);
  // Some of it is several requests to nginx too.
  expect(both.filter(({ off }) => off[0] === '4 answers')).not.toEqual([]);
  const [off, on] = [ways[0].served, ways[1].served];
  await emptied([off, on]);
  const [totalsOn, totalsOff] = [await totalsOf(on), await totalsOf(off)];
  // Who asks for a code while it is looked up joins that look-up: how many did is a matter of moments.
  for (const totals of [totalsOn, totalsOff]) totals.delete('lakh_lookups_total {"by":"store"}');
  expect(totalsOn).toEqual(totalsOff);
  expect(on.readByNode).toBeLessThan(0.5 * off.readByNode);
});
