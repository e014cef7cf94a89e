/**
 * Finds links for a task's callers, each of which waits for its answer before its next question. Arguments: variant, mysql URL, file of
 * codes, one a line. All variants ask for the same codes in an order of their own, at random.
 */
import { readFileSync } from 'node:fs';
import { openCluster } from '@lakh/backend/cluster';
import { parseDatabase } from '@lakh/mysql';
import mysql from 'mysql2/promise';
import type { Sample } from '../bench/figures.js';
import { chosenVariant, serveTasks, type WorkerTask } from './tasks.js';

const CONNECTIONS_TRIED = [8, 16, 32, 64];
const DEFAULT_CONNECTIONS = 16;
/** LAKH_STORE_DEADLINE_MS's default. */
const STORE_DEADLINE_MS = 3_000;
const TRIAL_S = 0.5;
const DOMAIN = 0;
const COLUMNS = 'code, kind, counter, long_url, created_at_ms, expires_at_ms, redirect_status, version';

interface Variant {
  /** Once for each number of callers, in a warm-up, untimed. */
  prepare?(callers: number): Promise<void>;
  /** Resolves with how many links it found in about `task.seconds`. */
  run(task: WorkerTask): Promise<number>;
  close(): Promise<void>;
}

const mysqlUrl = process.argv[3] as string;
const codes = readFileSync(process.argv[4] as string, 'utf8')
  .trimEnd()
  .split('\n');
const anyCode = (): string => codes[Math.floor(Math.random() * codes.length)] as string;

/** Links that `callers` loops of `find` get until the time is up. */
async function inLoops(task: WorkerTask, find: (code: string) => Promise<unknown>): Promise<number> {
  const end = performance.now() + task.seconds * 1000;
  let found = 0;
  await Promise.all(
    Array.from({ length: task.callers }, async () => {
      while (performance.now() < end) {
        if ((await find(anyCode())) === undefined) throw new Error('a link was not found');
        found += 1;
      }
    }),
  );
  return found;
}

function coalesced(): Variant {
  const backend = openCluster({ settings: { database: parseDatabase(mysqlUrl), storeDeadlineMs: STORE_DEADLINE_MS } });
  // As a server does: where the links lie on shards, it is known from then on.
  const reached = backend.reachLinks(new AbortController().signal);
  return {
    async run(task) {
      await reached;
      return inLoops(task, (code) => backend.links.sight(DOMAIN, code));
    },
    close: () => backend.close(),
  };
}

/** A pool of the size that suits this number of callers best here: the rival at its best. */
function oneSelect(): Variant {
  const pools = new Map<number, mysql.Pool>();
  const bestSize = new Map<number, number>();

  function run(task: WorkerTask, connectionLimit: number): Promise<number> {
    const pool = pools.get(connectionLimit) ?? mysql.createPool({ uri: mysqlUrl, connectionLimit });
    pools.set(connectionLimit, pool);
    return inLoops(task, async (code) => {
      const [rows] = await pool.execute<mysql.RowDataPacket[]>(
        `SELECT ${COLUMNS} FROM links WHERE domain_id=? AND code=?`,
        [DOMAIN, code],
      );
      return rows[0];
    });
  }

  return {
    async prepare(callers) {
      let best = { connections: DEFAULT_CONNECTIONS, found: 0 };
      for (const connections of CONNECTIONS_TRIED) {
        await run({ callers, seconds: TRIAL_S / 4 }, connections);
        const found = await run({ callers, seconds: TRIAL_S }, connections);
        if (found > best.found) best = { connections, found };
      }
      process.stderr.write(
        `lakh: one SELECT a request, ${callers} callers: ${best.connections} connections did best\n`,
      );
      bestSize.set(callers, best.connections);
    },
    run: (task) => run(task, bestSize.get(task.callers) ?? DEFAULT_CONNECTIONS),
    close: async () => void (await Promise.all([...pools.values()].map((pool) => pool.end()))),
  };
}

/** One connection, one statement after another, each of as many codes as there are callers. */
function listed(): Variant {
  const pool = mysql.createPool({ uri: mysqlUrl, connectionLimit: 1, rowsAsArray: true });
  return {
    async run({ callers, seconds }) {
      const end = performance.now() + seconds * 1000;
      let found = 0;
      while (performance.now() < end) {
        // Codes need no escaping: digits and letters.
        const asked = new Set(Array.from({ length: callers }, anyCode));
        const list = [...asked].map((code) => `'${code}'`).join(',');
        const [rows] = await pool.query<mysql.RowDataPacket[][]>(
          `SELECT ${COLUMNS} FROM links WHERE domain_id=${DOMAIN} AND code IN (${list})`,
        );
        found += rows.length;
      }
      return found;
    },
    close: () => pool.end(),
  };
}

const variant: Variant = chosenVariant({ coalesced, 'one-select': oneSelect, listed })();
const prepared = new Set<number>();

async function measure(task: WorkerTask): Promise<Sample> {
  // A quick pass has no warm-up and no time for it.
  if (task.seconds > 1 && !prepared.has(task.callers)) await variant.prepare?.(task.callers);
  prepared.add(task.callers);
  const started = performance.now();
  const found = await variant.run(task);
  return { value: (found / (performance.now() - started)) * 1000 };
}

serveTasks(measure, () => variant.close());
