/**
 * The statements that the ledger and the facts of packages/mysql send, and no others: each is known by its shape, which is its text with every literal
 * taken out. A statement of another shape is a mistake of this simulation's, and throws.
 */
import {
  asLease,
  asRow,
  changeLease,
  factKey,
  headKey,
  highest,
  insertHead,
  insertLeases,
  leaseKey,
  NOTHING,
  number,
  one,
  type Plan,
  putFact,
  questions,
  text,
  type Value,
} from './plans.js';
import type { LeaseRow } from './tables.js';

interface Statement {
  readonly shape: string;
  readonly values: readonly (string | number)[];
}

type Planner = (values: readonly Value[]) => Plan;

const LITERAL = /_utf8mb4 x'([0-9a-f]*)'|'((?:[^'\\]|''|\\.)*)'|\b\d+\b/g;

/** By text: the same few are sent again and again, and reading one takes longer than running it. */
const PLANS = new Map<string, Plan>();
const MOST_PLANS = 1_000;

function parseStatement(sql: string): Statement {
  const values: Value[] = [];
  const bare = sql.replace(LITERAL, (literal: string, hex: string | undefined, text: string | undefined) => {
    values.push(hex !== undefined ? decoded(hex) : text !== undefined ? text : Number(literal));
    return '?';
  });
  return { shape: collapse(bare), values };
}

export function planStatement(sql: string): Plan {
  const known = PLANS.get(sql);
  if (known !== undefined) return known;
  const { shape, values } = parseStatement(sql);
  const plan = SHAPES.get(shape)?.(values);
  if (plan === undefined) throw new Error(`the simulated database does not know this statement: ${sql}`);
  if (PLANS.size >= MOST_PLANS) PLANS.clear();
  PLANS.set(sql, plan);
  return plan;
}

/** As many rows, or questions, as one likes. */
function collapse(shape: string): string {
  if (shape.includes(' UNION ALL ')) return 'questions';
  return shape.includes('),(') ? shape.replace(/(\((?:\?,)*\?\))(?:,\1)+$/, '$1') : shape;
}

const LEASES = 'id_leases WHERE namespace=?';
const ADMIN_COLUMNS =
  'start_counter, end_counter, server_id, host, process_start_ms, leased_at_ms, witness_version, codec, state';
const QUESTION = 'SELECT ? AS question, COALESCE(MAX(counter), ?) FROM links WHERE counter>';

const SHAPES: ReadonlyMap<string, Planner> = new Map<string, Planner>([
  [
    'SELECT head, cluster_id FROM id_heads WHERE namespace=?',
    ([namespace]) => ({
      locks: [],
      run: (tables) => {
        const row = tables.heads.get(text(namespace));
        return { rows: row ? [[row.head, row.clusterId]] : [] };
      },
    }),
  ],
  [
    `SELECT ? FROM ${LEASES} LIMIT ?`,
    ([, namespace]) => ({
      locks: [],
      run: (tables) => ({ rows: tables.leasesOf(text(namespace)).length > 0 ? [[1]] : [] }),
    }),
  ],
  [
    'SELECT ? FROM links WHERE counter>? LIMIT ?',
    () => ({ locks: [], run: (tables) => ({ rows: tables.hasGeneratedLink() ? [[1]] : [] }) }),
  ],
  ...['', ' FOR UPDATE'].map((lock): [string, Planner] => [
    `SELECT ? FROM id_heads WHERE namespace=?${lock}`,
    ([, namespace]) => ({
      locks: lock === '' ? [] : [headKey(namespace)],
      run: (tables) => ({ rows: tables.heads.has(text(namespace)) ? [[1]] : [] }),
    }),
  ]),
  [
    `SELECT end_counter FROM ${LEASES} AND start_counter<? ORDER BY start_counter DESC LIMIT ?`,
    ([namespace, below]) => ({
      locks: [],
      run: (tables) => {
        const row = tables.lastBelow(text(namespace), number(below));
        return { rows: row ? [[row.end]] : [] };
      },
    }),
  ],
  [
    'INSERT INTO id_leases (namespace, start_counter, end_counter, server_id, host, process_start_ms, leased_at_ms, witness_version, codec) VALUES (?,?,?,?,?,?,?,?,?)',
    ([namespace, start, end, serverId, host, processStartMs, leasedAtMs, witnessVersion, codec]) =>
      insertLeases(namespace, [
        asLease([start, end, processStartMs, leasedAtMs, witnessVersion, serverId, host, codec, 'leased']),
      ]),
  ],
  [
    'INSERT INTO id_leases (namespace, start_counter, end_counter, process_start_ms, leased_at_ms, witness_version, server_id, host, codec, state) VALUES (?,?,?,?,?,?,?,?,?,?)',
    (values) => {
      const rows: LeaseRow[] = [];
      for (let i = 0; i < values.length; i += 10) rows.push(asLease(values.slice(i + 1, i + 10)));
      return insertLeases(values[0], rows);
    },
  ],
  [
    'UPDATE id_heads SET head=GREATEST(head,?), revision=revision+? WHERE namespace=?',
    ([least, , namespace]) => ({
      locks: [headKey(namespace)],
      run: (tables) => {
        const row = tables.heads.get(text(namespace));
        if (row === undefined) return NOTHING;
        const head = Math.max(row.head, number(least));
        return one((now) => now.heads.set(text(namespace), { ...row, head, revision: row.revision + 1 }));
      },
    }),
  ],
  [
    `SELECT start_counter, end_counter, state, server_id, host, process_start_ms FROM ${LEASES} AND start_counter<=? ORDER BY start_counter DESC LIMIT ? FOR UPDATE`,
    ([namespace, upTo]) => ({
      // The row that it finds is locked too; whoever else writes a lease's row in a transaction has locked the head before.
      locks: [headKey(namespace)],
      run: (tables) => {
        const row = tables.lastBelow(text(namespace), number(upTo) + 1);
        return { rows: row ? [[row.start, row.end, row.state, row.serverId, row.host, row.processStartMs]] : [] };
      },
    }),
  ],
  [
    `UPDATE id_leases SET state=? WHERE namespace=? AND start_counter=?`,
    ([state, namespace, start]) => changeLease(namespace, start, () => true, { state: text(state) }),
  ],
  [
    `UPDATE id_leases SET end_counter=? WHERE namespace=? AND start_counter=?`,
    ([end, namespace, start]) => changeLease(namespace, start, () => true, { end: number(end) }),
  ],
  [
    `INSERT INTO id_leases (namespace, start_counter, end_counter, server_id, host, process_start_ms, leased_at_ms, witness_version, codec, state) SELECT namespace, ?, ?, server_id, host, process_start_ms, leased_at_ms, witness_version, codec, ? FROM ${LEASES} AND start_counter=?`,
    ([start, end, state, namespace, from]) => ({
      locks: [leaseKey(namespace, start)],
      run: (tables) => {
        const row = tables.leaseAt(text(namespace), number(from));
        if (row === undefined) return NOTHING;
        const tail = { ...row, start: number(start), end: number(end), state: text(state) };
        return insertLeases(namespace, [tail]).run(tables);
      },
    }),
  ],
  [
    'INSERT INTO id_releases (namespace, start_counter, released_at_ms, process_start_ms, end_counter, server_id, host) VALUES (?,?,?,?,?,?,?)',
    (values) => ({
      locks: [],
      run: (tables) => {
        const key = values.slice(0, 4).join(' ');
        return tables.releases.has(key) ? { isDuplicate: true } : one((now) => now.releases.add(key));
      },
    }),
  ],
  [
    `UPDATE id_leases SET state=?, server_id=?, host=?, process_start_ms=?, codec=?, leased_at_ms=? WHERE namespace=? AND start_counter=? AND end_counter=? AND state=?`,
    ([state, serverId, host, processStartMs, codec, leasedAtMs, namespace, start, end, was]) =>
      changeLease(namespace, start, (row) => row.end === end && row.state === was, {
        state: text(state),
        serverId: text(serverId),
        host: text(host),
        processStartMs: number(processStartMs),
        codec: text(codec),
        leasedAtMs: number(leasedAtMs),
      }),
  ],
  [
    `UPDATE id_leases SET state=? WHERE namespace=? AND start_counter=? AND end_counter=? AND state=?`,
    ([state, namespace, start, end, was]) =>
      changeLease(namespace, start, (row) => row.end === end && row.state === was, { state: text(state) }),
  ],
  [
    'SELECT CAST(head AS CHAR), cluster_id, revision FROM id_heads WHERE namespace=?',
    ([namespace]) => ({
      locks: [],
      run: (tables) => {
        const row = tables.heads.get(text(namespace));
        return { rows: row ? [[String(row.head), row.clusterId, row.revision]] : [] };
      },
    }),
  ],
  [
    'INSERT INTO id_heads (namespace, head, cluster_id) VALUES (?,?,?)',
    ([namespace, head, clusterId]) => ({
      locks: [headKey(namespace)],
      run: (tables) => insertHead(tables, namespace, head, clusterId),
    }),
  ],
  [
    'UPDATE id_heads SET head=?, cluster_id=?, revision=revision+? WHERE namespace=? AND revision=? AND CAST(head AS CHAR)=? AND cluster_id=?',
    ([head, clusterId, , namespace, revision, wasHead, wasClusterId]) => ({
      locks: [headKey(namespace)],
      run: (tables) => {
        const row = tables.heads.get(text(namespace));
        if (
          row === undefined ||
          row.revision !== revision ||
          String(row.head) !== wasHead ||
          row.clusterId !== wasClusterId
        )
          return NOTHING;
        const written = { head: number(head), clusterId: text(clusterId), revision: row.revision + 1 };
        return one((now) => now.heads.set(text(namespace), written));
      },
    }),
  ],
  [
    `SELECT ${ADMIN_COLUMNS} FROM ${LEASES} AND start_counter>=? ORDER BY start_counter LIMIT ?`,
    ([namespace, from, limit]) => ({
      locks: [],
      run: (tables) => {
        const rows = tables.leasesOf(text(namespace)).filter(({ start }) => start >= number(from));
        return { rows: rows.slice(0, number(limit)).map(asRow) };
      },
    }),
  ],
  [
    `SELECT ${ADMIN_COLUMNS} FROM ${LEASES} AND start_counter<? ORDER BY start_counter DESC LIMIT ?`,
    ([namespace, below, limit]) => ({
      locks: [],
      run: (tables) => {
        const rows = tables.leasesOf(text(namespace)).filter(({ start }) => start < number(below));
        return { rows: rows.reverse().slice(0, number(limit)).map(asRow) };
      },
    }),
  ],
  ...['', ' FOR UPDATE'].map((lock): [string, Planner] => [
    `SELECT value FROM settings WHERE name=?${lock}`,
    ([name]) => ({
      locks: lock === '' ? [] : [factKey(name)],
      run: (tables) => {
        const value = tables.facts.get(text(name));
        return { rows: value === undefined ? [] : [[value]] };
      },
    }),
  ]),
  ['INSERT INTO settings (name, value) VALUES (?,?)', ([name, value]) => putFact(name, value, false)],
  ['UPDATE settings SET value=? WHERE name=?', ([value, name]) => putFact(name, value, true)],
  [`${QUESTION}?`, (values) => ({ locks: [], run: (tables) => ({ rows: [[values[0], highest(tables, 1)]] }) })],
  [`${QUESTION}=? AND counter<?`, (values) => questions(values)],
  ['questions', (values) => questions(values)],
]);

function decoded(hex: string): string {
  return Buffer.from(hex, 'hex').toString('utf8');
}
