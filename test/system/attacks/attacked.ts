import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'redis';
import { readSettings } from '../../../deploy/local/src/config.js';
import { openStack } from '../../../deploy/local/src/index.js';
import { startStandalone } from '../support/standalone.js';
import type { Answer } from './wire.js';
import { bytesOf, JSON_TYPE, newAlias, Witness } from './witness.js';

/** A listener that is attacked. */
export interface Listener {
  readonly name: string;
  readonly port: number;
  /** Whether links are made at it. */
  readonly makes: boolean;
  /** Whether links are followed at it. */
  readonly follows: boolean;
  /** What a delete at it needs. */
  readonly token?: string;
}

/** The whole system behind its gateway, and beside it one server over a file. */
export interface Attacked {
  readonly gateway: Listener;
  readonly shorten: Listener;
  readonly redirect: Listener;
  readonly standalone: Listener;
  /** All that people's requests come in at. */
  readonly open: readonly Listener[];
  readonly admin: readonly Listener[];
  readonly operations: Listener;
  /** As somebody who got into it. */
  readonly redis: RedisClient;
  readonly witness: Witness;
  logs(): string;
  close(): Promise<void>;
}

/** Requests with a body that one client may have in progress at the gateway. */
export const GATEWAY_BODIES = 10;

/** The stack's own are for load tests. */
const USUAL_LIMITS = {
  LAKH_CHANGES_PER_MIN: '3000',
  LAKH_MISSES_PER_MIN: '600',
  LAKH_GATEWAY_REQUESTS: String(4 * GATEWAY_BODIES),
};

const openRedis = async (url: string) =>
  createClient({ url })
    .on('error', () => {})
    .connect();
export type RedisClient = Awaited<ReturnType<typeof openRedis>>;

const portOf = (url: string): number => Number(new URL(url).port);

export async function startAttacked(): Promise<Attacked> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'lakh-attacks-')));
  const root = join(__dirname, '..', '..', '..');
  const stack = openStack({ dir, root, settings: readSettings({ PATH: process.env.PATH, ...USUAL_LIMITS }) });
  const [up, alone] = await Promise.allSettled([stack.up({ shorten: 1, redirect: 1 }), startStandalone()]);
  const close = async (): Promise<void> => {
    await Promise.all([stack.down({ wipe: true }), alone.status === 'fulfilled' ? alone.value.stop() : undefined]);
    rmSync(dir, { recursive: true, force: true });
  };
  if (up.status === 'rejected' || alone.status === 'rejected') {
    await close();
    throw up.status === 'rejected' ? up.reason : (alone as PromiseRejectedResult).reason;
  }
  const { token, redis } = stack.addresses();
  const client = await openRedis(redis);
  const { processes } = await stack.status();
  const named = (name: string) => processes.find((each) => each.name === name) as (typeof processes)[number];
  const door = JSON.parse(readFileSync(join(alone.value.dataDir, 'operations.json'), 'utf8')) as {
    url: string;
    token: string;
  };
  const nothing = { makes: false, follows: false };
  const gateway = { name: 'gateway', port: portOf(named('gateway').url), makes: true, follows: true, token };
  const shorten = { name: 'shorten', port: portOf(named('shorten-1').url), makes: true, follows: false, token };
  const redirect = { name: 'redirect', port: portOf(named('redirect-1').url), makes: false, follows: true };
  const standalone = { name: 'standalone', port: alone.value.port, makes: true, follows: true };
  const admin = [
    ...processes.flatMap(({ name, adminUrl }) =>
      adminUrl ? [{ name: `admin of ${name}`, port: portOf(adminUrl), ...nothing }] : [],
    ),
    { name: 'admin of standalone', port: portOf(alone.value.adminUrl), ...nothing },
  ];
  return {
    gateway,
    shorten,
    redirect,
    standalone,
    open: [gateway, shorten, redirect, standalone],
    admin,
    operations: { name: 'operations', port: portOf(door.url), ...nothing, token: door.token },
    redis: client,
    witness: new Witness([token, door.token, new URL(redis).password, dir, alone.value.dataDir, root]),
    logs: () =>
      ['shorten-1', 'redirect-1'].map((name) => readFileSync(stack.logFile(name), 'utf8')).join('') +
      alone.value.stderr(),
    async close() {
      client.destroy();
      await close();
    },
  };
}

/** A link that nobody should be able to touch. */
export interface Kept {
  readonly code: string;
  readonly longUrl: string;
}

/** Asks for a link as anybody may. */
export function askForLink(
  { witness }: Pick<Attacked, 'witness'>,
  { port }: Listener,
  fields: Readonly<Record<string, unknown>>,
): ReturnType<Witness['ask']> {
  const body = JSON.stringify(fields);
  return witness.ask({ port, method: 'POST', path: '/api/v1/urls', headers: [JSON_TYPE], body });
}

/** Makes a link as anybody may; throws where that fails, for then no attack would mean anything. */
export async function makeLink(
  attacked: Pick<Attacked, 'witness'>,
  at: Listener,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<Kept> {
  const alias = newAlias();
  const { answers, text } = await askForLink(attacked, at, {
    long_url: `https://honest.example/${alias}`,
    alias,
    ...fields,
  });
  if (answers[0]?.status !== 201) throw new Error(`${at.name} makes no link: ${text}`);
  const { code, long_url: longUrl } = JSON.parse(answers[0].body) as { code: string; long_url: string };
  return { code, longUrl };
}

/** Well under what one client may look up in a minute and not find. */
const LOOK_UPS_MAX = 200;

/** Which of some codes are links, as the API of a listener tells; on one connection for many of them. */
export async function linksAmong(
  { witness }: Pick<Attacked, 'witness'>,
  { name, port }: Listener,
  codes: readonly string[],
): Promise<string[]> {
  const links: string[] = [];
  for (let start = 0; start < codes.length; start += LOOK_UPS_MAX) {
    const some = codes.slice(start, start + LOOK_UPS_MAX);
    const statuses = await statusesOf({ witness }, { name, port }, some);
    links.push(...some.filter((_, i) => statuses[i] === 200));
  }
  return links;
}

/** 200, 404 or 410 of each; asked again as long as the answer is to come back later. */
async function statusesOf(
  { witness }: Pick<Attacked, 'witness'>,
  { name, port }: Pick<Listener, 'name' | 'port'>,
  codes: readonly string[],
): Promise<number[]> {
  const requests = codes.map((code, i) => bytesOf({ port, path: `/api/v1/urls/${code}` }, i + 1 === codes.length));
  let said: readonly Answer[] = [];
  for (let tries = 0; tries < 10; tries += 1) {
    const { answers } = await witness.exchange('which codes are links', { port, pieces: [Buffer.concat(requests)] });
    said = answers;
    const isSaid = ({ status }: Answer) => status === 200 || status === 404 || status === 410;
    if (answers.length === codes.length && answers.every(isSaid)) return answers.map(({ status }) => status);
    await sleep(1_000);
  }
  throw new Error(`${name} does not say which of ${codes.length} codes are links: ${said.map(({ status }) => status)}`);
}

/** What became of a link, or undefined where it is as it was made. */
export async function changeOf(
  { witness }: Pick<Attacked, 'witness'>,
  { port }: Listener,
  { code, longUrl }: Kept,
): Promise<string | undefined> {
  const { answers, text } = await witness.ask({ port, path: `/api/v1/urls/${code}` });
  const [answer] = answers;
  if (answer?.status !== 200) return text.slice(0, 200);
  const { long_url: now } = JSON.parse(answer.body) as { long_url: string };
  return now === longUrl && answer.headers.get('etag') === '"1"' ? undefined : `it leads to ${now}`;
}
