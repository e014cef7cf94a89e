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
import { type Figure, figure, type Trial } from './trials.js';
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
const SECONDS = 10;
const MIB = 2 ** 20;
const NO_L1 = { LAKH_L1_MAX_BYTES: '0' };
const AT_MOST_TIMES = 1.1;
/** A link's row and its share of indexes, with room: an engine's cache holds the table, as an operator is told to see to. */
const CACHED_BYTES_A_LINK = 400;

interface Engine {
  readonly name: string;
  /** Of whoever fills it; closed while servers run, where only one may have it. */
  fill(from: number, to: number): Promise<void>;
  /** Measures with servers that run meanwhile. */
  serve<T>(work: (creates: LakhServer, redirects: LakhServer) => Promise<T>): Promise<T>;
  bytes(): Promise<Readonly<Record<string, number>>>;
}

interface Measured {
  readonly [what: string]: { readonly p50: number; readonly p99: number };
}

/** Redirects that no cache answers, and creates, with many links beside fewer; and what the tables take. */
export function capacityTrial(bench: Bench): Trial {
  return {
    id: 'capacity',
    async run() {
      const small = Math.min(SMALL, Math.ceil(bench.links / 10));
      const figures: Figure[] = [];
      for (const engine of [await onMariadb(bench), await inFile(bench)]) {
        await engine.fill(0, small);
        const before = await measure(bench, engine, small);
        await engine.fill(small, bench.links);
        const after = await measure(bench, engine, bench.links);
        figures.push(...compared(engine.name, before, after));
        for (const [what, bytes] of Object.entries(await engine.bytes())) {
          const name = `${engine.name}: ${what}`;
          figures.push(figure({ name, unit: 'MiB', what: `${bytes / bench.links} bytes a link` }, [bytes / MIB]));
        }
      }
      const count = (links: number) => links.toLocaleString('en');
      return { title: `${count(bench.links)} links beside ${count(small)}`, figures };
    },
  };
}

function compared(engine: string, before: Measured, after: Measured): Figure[] {
  return Object.keys(before).flatMap((what) => {
    const [small, large] = [before[what], after[what]] as [Measured[string], Measured[string]];
    const ms = (of: string, value: number) =>
      figure({ name: `${engine}: ${what}, ${of}`, unit: 'ms', what: `p50, ${CONNECTIONS} callers` }, [value]);
    return [
      ms('few', small.p50),
      ms('many', large.p50),
      figure(
        { name: `${engine}: ${what}, many ÷ few`, unit: '×', what: 'of the two p50' },
        [large.p50 / small.p50],
        AT_MOST_TIMES,
      ),
    ];
  });
}

async function measure(bench: Bench, engine: Engine, links: number): Promise<Measured> {
  const codec = base62();
  const codes = Array.from({ length: FOLLOWED }, () => codec.encode(FIRST_COUNTER + Math.floor(Math.random() * links)));
  const paths = join(bench.dir, `capacity-${links}.paths`);
  await writeFile(paths, codes.map((code) => `/${code}\n`).join(''));
  const seconds = bench.quick ? 1 : SECONDS;
  return engine.serve(async (creates, redirects) => {
    const follow = () =>
      wrk(bench, { url: redirects.url, script: 'paths.lua', args: [paths], connections: CONNECTIONS, seconds });
    const create = () => {
      const args = [`capacity-${engine.name}-${links}`];
      return wrk(bench, {
        url: `${creates.url}/api/v1/urls`,
        script: 'creates.lua',
        args,
        connections: CONNECTIONS,
        seconds,
      });
    };
    if (!bench.quick) await follow(); // the engine's caches and the compilers are warm
    progress(`capacity: ${engine.name}, ${links.toLocaleString('en')} links`);
    const [redirect, made] = [await follow(), await create()];
    const of = ({ p50Ms = 0, p99Ms = 0 }) => ({ p50: p50Ms, p99: p99Ms });
    return { redirect: of(redirect), create: of(made) };
  });
}

async function fillWith(backend: Backend, from: number, to: number): Promise<void> {
  const codec = base62();
  const newInsertId = createInsertIds(randomBytes(8));
  let next = from;
  await Promise.all(
    Array.from({ length: FILLERS }, async () => {
      for (let index = next++; index < to; index = next++) {
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

async function onMariadb(bench: Bench): Promise<Engine> {
  const pool = Math.max(256 * MIB, bench.links * CACHED_BYTES_A_LINK);
  const dir = join(bench.dir, 'capacity');
  const databases: Databases = await startDatabases({ ...bench, dir }, 1, [`--innodb-buffer-pool-size=${pool}`]);
  const creates = await startLakh({ ...bench, dir }, 'shorten', { databases });
  const redirects = await startLakh({ ...bench, dir }, 'redirect', { databases, env: NO_L1 });
  const database = parseDatabase(databases.mysqlUrl);
  return {
    name: 'MariaDB',
    async fill(from, to) {
      progress(`capacity: MariaDB, making ${(to - from).toLocaleString('en')} links`);
      const backend = openCluster({ settings: { database, storeDeadlineMs: FILL_DEADLINE_MS } });
      await fillWith(backend, from, to).finally(() => backend.close());
      await untilWritten(databases.mariadb);
    },
    serve: (work) => work(creates, redirects),
    async bytes() {
      const sql =
        "SELECT data_length, index_length FROM information_schema.tables WHERE table_schema='lakh' AND table_name='links'";
      const [data = 0, index = 0] = (await mariadbSql(databases.mariadb, sql)).split('\t').map(Number);
      return { 'rows by code': data, 'index by counter': index };
    },
  };
}

async function inFile(bench: Bench): Promise<Engine> {
  const dir = join(bench.dir, 'capacity');
  const dataDir = join(dir, 'lakh-data');
  const start = () => startLakh({ ...bench, dir }, 'standalone', { env: NO_L1 });
  // Links that are there before any lease are what a lost ledger looks like.
  await (await start()).server.stop();
  return {
    name: 'SQLite',
    async fill(from, to) {
      progress(`capacity: SQLite, making ${(to - from).toLocaleString('en')} links`);
      const backend = openFile({ settings: { dataDir, namespace: 'links' } });
      await fillWith(backend, from, to).finally(() => backend.close());
    },
    async serve(work) {
      const server = await start();
      try {
        return await work(server, server);
      } finally {
        await server.server.stop();
      }
    },
    async bytes() {
      return { 'data file': (await stat(dataFileIn(dataDir))).size };
    },
  };
}
