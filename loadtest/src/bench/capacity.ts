import { randomBytes } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Backend, dataFileIn, openFile } from '@lakh/backend';
import { openCluster } from '@lakh/backend/cluster';
import { createInsertIds } from '@lakh/links';
import { mariadbSql, type ServerPlan } from '@lakh/local';
import { parseDatabase } from '@lakh/mysql';
import { base62 } from '@lakh/short-code';
import { progress } from '../scope.js';
import { type Databases, type LakhServer, startDatabases, startLakh } from './lakh-servers.js';
import { targetUrl } from './links.js';
import type { Bench } from './setting.js';
import { type Figure, figure, quantile, type Trial } from './trials.js';
import { wrk } from './wrk.js';

const SMALL = 100_000;
/** Counters that no server of a bench comes to. */
const FIRST_COUNTER = 2 ** 33;
const FILLERS = 4_096;
const FILL_DEADLINE_MS = 60_000;
const FLUSH_LIMIT_MS = 120_000;
const FEW_PAGES = 200;
/** Links that are followed, at random among all. */
const FOLLOWED = 20_000;
/** Few: what is measured is how long one takes, and not how many there are room for. */
const CONNECTIONS = 4;
const SECONDS = 3;
const ROUNDS = 7;
const MIB = 2 ** 20;
const NO_L1 = { LAKH_L1_MAX_BYTES: '0' };
const AT_MOST_TIMES = 1.1;
/** A link's row and its share of indexes, with room: an engine's cache holds the table, as an operator is told to see to. */
const CACHED_BYTES_A_LINK = 400;

/** One engine with so many links, and what serves them. */
interface Side {
  readonly links: number;
  /** Makes the links. */
  fill(): Promise<void>;
  /** Begins to serve them; the returned function ends it. */
  start(): Promise<{ readonly creates: LakhServer; readonly redirects: LakhServer; stop(): Promise<void> }>;
  bytes(): Promise<Readonly<Record<string, number>>>;
}

interface Engine {
  readonly name: string;
  open(bench: Bench, side: string, links: number): Promise<Side>;
}

const WHATS = ['redirect', 'create'] as const;
type Measured = Readonly<Record<(typeof WHATS)[number], number>>;

/** Redirects that no cache answers, and creates, with many links beside fewer; and what the tables take. */
export function capacityTrial(bench: Bench): Trial {
  return {
    id: 'capacity',
    async run() {
      const small = Math.min(SMALL, Math.ceil(bench.links / 10));
      const figures: Figure[] = [];
      for (const engine of [MARIADB, SQLITE]) {
        const few = await engine.open(bench, 'few', small);
        const many = await engine.open(bench, 'many', bench.links);
        for (const side of [few, many]) {
          progress(`capacity: ${engine.name}, making ${inThousands(side.links)} links`);
          await side.fill();
        }
        const rounds = await measure(bench, engine, [few, many]);
        figures.push(...compared(engine.name, rounds));
        for (const [what, bytes] of Object.entries(await many.bytes())) {
          const name = `${engine.name}: ${what}`;
          figures.push(figure({ name, unit: 'MiB', what: `${bytes / bench.links} bytes a link` }, [bytes / MIB]));
        }
      }
      return { title: `${inThousands(bench.links)} links beside ${inThousands(small)}`, figures };
    },
  };
}

const inThousands = (links: number) => links.toLocaleString('en');

type Round = readonly [few: Measured, many: Measured];

function compared(engine: string, rounds: readonly Round[]): Figure[] {
  return WHATS.flatMap((what) => {
    const ms = (of: string, values: readonly number[]) =>
      figure({ name: `${engine}: ${what}, ${of}`, unit: 'ms', what: `p50, ${CONNECTIONS} callers` }, values);
    const ratios = rounds.map(([few, many]) => many[what] / few[what]);
    return [
      ms(
        'few',
        rounds.map(([few]) => few[what]),
      ),
      ms(
        'many',
        rounds.map(([, many]) => many[what]),
      ),
      figure(
        { name: `${engine}: ${what}, many ÷ few`, unit: '×', what: 'of the two p50 of a round; the middle one of all' },
        [quantile(ratios, 0.5)],
        AT_MOST_TIMES,
      ),
    ];
  });
}

/** Both sides serve at once and are measured in turns, so that what else the machine does meets them alike. */
async function measure(bench: Bench, engine: Engine, sides: readonly [few: Side, many: Side]): Promise<Round[]> {
  const [few, many] = [await serve(bench, sides[0]), await serve(bench, sides[1])];
  const rounds: Round[] = [];
  try {
    // The engine's caches and the compilers are warm.
    for (const { follow } of [few, many]) await follow();
    for (let round = 0; round < (bench.quick ? 1 : ROUNDS); round += 1) {
      progress(`capacity: ${engine.name}, round ${round + 1}`);
      if (round % 2 === 0) rounds.push([await few.once(round), await many.once(round)]);
      else {
        const later = await many.once(round);
        rounds.push([await few.once(round), later]);
      }
    }
  } finally {
    for (const { stop } of [few, many]) await stop();
  }
  return rounds;
}

async function serve(bench: Bench, { links, start }: Side) {
  const codec = base62();
  const codes = Array.from({ length: FOLLOWED }, () => codec.encode(FIRST_COUNTER + Math.floor(Math.random() * links)));
  const paths = join(bench.dir, `capacity-${links}.paths`);
  await writeFile(paths, codes.map((code) => `/${code}\n`).join(''));
  const { creates, redirects, stop } = await start();
  const load = { connections: CONNECTIONS, seconds: bench.quick ? 1 : SECONDS };
  const follow = () => wrk(bench, { ...load, url: redirects.url, script: 'paths.lua', args: [paths] });
  const once = async (round: number): Promise<Measured> => {
    const { p50Ms: redirect = 0 } = await follow();
    const args = [`capacity-${links}-${round}`];
    const { p50Ms: create = 0 } = await wrk(bench, {
      ...load,
      url: `${creates.url}/api/v1/urls`,
      script: 'creates.lua',
      args,
    });
    return { redirect, create };
  };
  return { follow, once, stop };
}

async function fillWith(backend: Backend, links: number): Promise<void> {
  const codec = base62();
  const newInsertId = createInsertIds(randomBytes(8));
  let next = 0;
  await Promise.all(
    Array.from({ length: FILLERS }, async () => {
      for (let index = next++; index < links; index = next++) {
        const counter = FIRST_COUNTER + index;
        const { outcome } = await backend.links.insert({
          domainId: 0,
          code: codec.encode(counter),
          kind: 'generated',
          counter,
          longUrl: targetUrl(index),
          createdAtMs: Date.now(),
          expiresAtMs: null,
          redirectStatus: null,
          terms: null,
          owner: '',
          details: null,
          insertId: newInsertId(),
        });
        if (outcome !== 'inserted') throw new Error(`an insert met ${outcome}`);
      }
    }),
  );
}

/** A fill leaves pages that are only in memory yet; what writes them out later is no matter of how many links there are. */
async function untilWritten(mariadb: ServerPlan): Promise<void> {
  await mariadbSql(mariadb, 'ANALYZE TABLE lakh.links; SET GLOBAL innodb_max_dirty_pages_pct=0');
  const dirty = async (): Promise<number> => {
    const row = await mariadbSql(mariadb, "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'");
    return Number(row.split('\t')[1]);
  };
  const deadline = performance.now() + FLUSH_LIMIT_MS;
  while ((await dirty()) > FEW_PAGES && performance.now() < deadline) await sleep(500);
  await mariadbSql(mariadb, 'SET GLOBAL innodb_max_dirty_pages_pct=DEFAULT');
}

const MARIADB: Engine = {
  name: 'MariaDB',
  async open(bench, side, links) {
    const pool = Math.max(256 * MIB, links * CACHED_BYTES_A_LINK);
    const around = { ...bench, dir: join(bench.dir, `capacity-${side}`) };
    const databases: Databases = await startDatabases(around, 1, [`--innodb-buffer-pool-size=${pool}`]);
    const database = parseDatabase(databases.mysqlUrl);
    const [creates, redirects] = await Promise.all([
      startLakh(around, 'shorten', { databases }),
      startLakh(around, 'redirect', { databases, env: NO_L1 }),
    ]);
    return {
      links,
      async fill() {
        const backend = openCluster({ settings: { database, storeDeadlineMs: FILL_DEADLINE_MS } });
        await fillWith(backend, links).finally(() => backend.close());
        await untilWritten(databases.mariadb);
      },
      start: async () => ({
        ...{ creates, redirects },
        async stop() {
          for (const { server } of [creates, redirects]) await server.stop();
        },
      }),
      async bytes() {
        const sql =
          "SELECT data_length, index_length FROM information_schema.tables WHERE table_schema='lakh' AND table_name='links'";
        const [data = 0, index = 0] = (await mariadbSql(databases.mariadb, sql)).split('\t').map(Number);
        return { 'rows by code': data, 'index by counter': index };
      },
    };
  },
};

const SQLITE: Engine = {
  name: 'SQLite',
  async open(bench, side, links) {
    const dir = join(bench.dir, `capacity-${side}`);
    const dataDir = join(dir, 'lakh-data');
    const start = () => startLakh({ ...bench, dir }, 'standalone', { env: NO_L1 });
    // Links that are there before any lease are what a lost ledger looks like.
    await (await start()).server.stop();
    return {
      links,
      async fill() {
        const backend = openFile({ settings: { dataDir, namespace: 'links' } });
        await fillWith(backend, links).finally(() => backend.close());
      },
      async start() {
        const server = await start();
        return { creates: server, redirects: server, stop: () => server.server.stop() };
      },
      async bytes() {
        return { 'data file': (await stat(dataFileIn(dataDir))).size };
      },
    };
  },
};
