/**
 * Inserts links for a task's callers, each of which waits for its row to be durable before its next one. Arguments: variant,
 * mysql URL of a migrated database. All variants write the same rows into the same table.
 */

import { randomBytes } from 'node:crypto';
import { openCluster } from '@lakh/backend/cluster';
import { createInsertIds, type NewLink } from '@lakh/links';
import { parseDatabase } from '@lakh/mysql';
import { base62 } from '@lakh/short-code';
import mysql from 'mysql2/promise';
import type { Sample } from '../bench/figures.js';
import { chosenVariant, serveTasks, type WorkerTask } from './tasks.js';

const CONNECTIONS_TRIED = [8, 16, 32, 64, 128];
const DEFAULT_CONNECTIONS = 16;
/** LAKH_STORE_DEADLINE_MS's default. */
const STORE_DEADLINE_MS = 3_000;
const TRIAL_S = 0.5;
const FIRST_COUNTER = 2 ** 33;
const COLUMNS = '(domain_id, code, kind, counter, insert_id, long_url, created_at_ms)';

interface Variant {
  /** Once for each number of callers, in a warm-up, untimed. */
  prepare?(callers: number): Promise<void>;
  /** Resolves with the rows that it stored in about `task.seconds`. */
  run(task: WorkerTask): Promise<number>;
  close(): Promise<void>;
}

const mysqlUrl = process.argv[3] as string;
const codec = base62();
const newInsertId = createInsertIds(randomBytes(8));
let counter = FIRST_COUNTER;

function nextLink(): NewLink {
  counter += 1;
  const code = codec.encode(counter);
  return {
    domainId: 0,
    code,
    kind: 'generated',
    counter,
    longUrl: `https://example.org/articles/2026/a-title-of-usual-length?id=${code}`,
    createdAtMs: Date.now(),
    expiresAtMs: null,
    redirectStatus: null,
    terms: null,
    owner: '',
    details: null,
    insertId: newInsertId(),
  };
}

/** Rows that `callers` loops of `insert` make until the time is up. */
async function inLoops(task: WorkerTask, insert: () => Promise<void>): Promise<number> {
  const end = performance.now() + task.seconds * 1000;
  let rows = 0;
  await Promise.all(
    Array.from({ length: task.callers }, async () => {
      while (performance.now() < end) {
        await insert();
        rows += 1;
      }
    }),
  );
  return rows;
}

function coalesced(): Variant {
  const backend = openCluster({ settings: { database: parseDatabase(mysqlUrl), storeDeadlineMs: STORE_DEADLINE_MS } });
  // As a server does: where the links lie on shards, it is known from then on.
  const reached = backend.reachLinks(new AbortController().signal);
  return {
    async run(task) {
      await reached;
      return inLoops(task, async () => {
        const { outcome } = await backend.links.insert(nextLink());
        if (outcome !== 'inserted') throw new Error(`an insert met ${outcome}`);
      });
    },
    close: () => backend.close(),
  };
}

/** A pool of the size that suits this number of callers best here: the rival at its best. */
function oneRow(): Variant {
  const pools = new Map<number, mysql.Pool>();
  const bestSize = new Map<number, number>();
  const sql = `INSERT INTO links ${COLUMNS} VALUES (0, ?, 1, ?, UNHEX(?), ?, ?)`;

  function run(task: WorkerTask, connectionLimit: number): Promise<number> {
    const pool = pools.get(connectionLimit) ?? mysql.createPool({ uri: mysqlUrl, connectionLimit });
    pools.set(connectionLimit, pool);
    return inLoops(task, async () => {
      const link = nextLink();
      await pool.execute(sql, [link.code, link.counter, link.insertId, link.longUrl, link.createdAtMs]);
    });
  }

  async function tryOut(callers: number): Promise<number> {
    let best = { connections: DEFAULT_CONNECTIONS, rows: 0 };
    for (const connections of CONNECTIONS_TRIED) {
      await run({ callers, seconds: TRIAL_S / 4 }, connections);
      const rows = await run({ callers, seconds: TRIAL_S }, connections);
      if (rows > best.rows) best = { connections, rows };
    }
    process.stderr.write(`lakh: one row a statement, ${callers} callers: ${best.connections} connections did best\n`);
    return best.connections;
  }

  return {
    prepare: async (callers) => void bestSize.set(callers, await tryOut(callers)),
    run: (task) => run(task, bestSize.get(task.callers) ?? DEFAULT_CONNECTIONS),
    close: async () => void (await Promise.all([...pools.values()].map((pool) => pool.end()))),
  };
}

/** One connection, one statement after another, each of as many rows as there are callers. */
function multiRow(): Variant {
  const pool = mysql.createPool({ uri: mysqlUrl, connectionLimit: 1 });
  return {
    async run({ callers, seconds }) {
      const end = performance.now() + seconds * 1000;
      let rows = 0;
      while (performance.now() < end) {
        const values = Array.from({ length: callers }, () => {
          const link = nextLink();
          // Nothing here needs escaping: digits, letters and a fixed address.
          return `(0,'${link.code}',1,${link.counter},x'${link.insertId}','${link.longUrl}',${link.createdAtMs})`;
        });
        await pool.query(`INSERT INTO links ${COLUMNS} VALUES ${values.join(',')}`);
        rows += callers;
      }
      return rows;
    },
    close: () => pool.end(),
  };
}

const variant: Variant = chosenVariant({ coalesced, 'one-row': oneRow, 'multi-row': multiRow })();
const prepared = new Set<number>();

async function measure(task: WorkerTask): Promise<Sample> {
  // A quick pass has no warm-up and no time for it.
  if (task.seconds > 1 && !prepared.has(task.callers)) await variant.prepare?.(task.callers);
  prepared.add(task.callers);
  const started = performance.now();
  const rows = await variant.run(task);
  return { value: (rows / (performance.now() - started)) * 1000 };
}

serveTasks(measure, () => variant.close());
