/** One fault after another on one running system, under load, and what came of it. */
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalSettings } from '@lakh/local';
import { Http } from '../http.js';
import { createRandom } from '../random.js';
import { type Findings, Load } from './load.js';
import { MATRIX, type MatrixFault, type MatrixFaultName } from './matrix-faults.js';
import { MatrixSystem, TOPOLOGIES, type Topology, whyNot } from './matrix-system.js';
import { OPERATIONS, type Tally } from './tally.js';

export interface MatrixOptions {
  /** The folder of the stack; made when it is missing. */
  readonly dir: string;
  /** The repository. */
  readonly root: string;
  /** As the stack reads its environment. */
  readonly settings: LocalSettings;
  readonly faults: readonly MatrixFaultName[];
  readonly seed: number;
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface MatrixRow {
  readonly fault: MatrixFaultName;
  readonly seconds: number;
  readonly tally: Tally;
  readonly findings: Findings;
  /** Links that were acknowledged and are not there, or not as acknowledged. */
  readonly lost: readonly string[];
  /** What may not be, in words; empty where all is as promised. */
  readonly violations: readonly string[];
}

/** What is promised of what is served: {@link STALE_MS} is that and what a busy machine adds. */
const L1_TTL_MS = 2_000;
const STALE_MS = L1_TTL_MS + 500;
const STORE_DEADLINE_MS = 1_500;
const L2_DEADLINE_MS = 100;
/** For which who has changed a link waits until the caches were told. */
const HASTEN_WAIT_MS = 250;
/** A request waits for the shared cache, and for the database at most twice: for a place and an answer, and to make sure of what was not answered. */
const REQUEST_DEADLINE_MS = L2_DEADLINE_MS + 2 * STORE_DEADLINE_MS + HASTEN_WAIT_MS;
/** What a busy machine adds. */
const SLACK_MS = 1_500;
const LINKS = 300;
/** After what is whole again: what would come back comes within it. */
const AFTERWARDS_MS = STALE_MS + 1_000;

const SERVER_SETTINGS = {
  LAKH_L1_TTL_MS: String(L1_TTL_MS),
  LAKH_L2_DEADLINE_MS: String(L2_DEADLINE_MS),
  LAKH_STORE_DEADLINE_MS: String(STORE_DEADLINE_MS),
} as const;

export interface Matrix {
  readonly rows: readonly MatrixRow[];
  /** What this machine does not allow. */
  readonly skipped: readonly { readonly fault: MatrixFaultName; readonly why: string }[];
}

/** Resolves with a row for each fault that can be made here. Nothing of it runs on when it settles. */
export async function runMatrix(options: MatrixOptions): Promise<Matrix> {
  // Servers that run as users of their own pass through it; the folders of the stacks in it are closed.
  mkdirSync(options.dir, { recursive: true, mode: 0o711 });
  const rows: MatrixRow[] = [];
  const skipped: { fault: MatrixFaultName; why: string }[] = [];
  for (const topology of Object.keys(TOPOLOGIES) as Topology[]) {
    const faults = options.faults.filter((name) => topologyOf(name) === topology);
    if (faults.length === 0) continue;
    const why = whyNot(topology);
    if (why === undefined) rows.push(...(await breakOne(topology, { ...options, faults })));
    else skipped.push(...faults.map((fault) => ({ fault, why })));
  }
  return { rows, skipped };
}

const topologyOf = (name: MatrixFaultName): Topology => (MATRIX[name] as MatrixFault).topology ?? 'plain';

/** All of `faults` on one system. */
async function breakOne(topology: Topology, options: MatrixOptions): Promise<readonly MatrixRow[]> {
  const { root, seed, report, signal, faults } = options;
  const dir = join(realpathSync(options.dir), topology);
  const settings = {
    ...options.settings,
    serverSettings: { ...options.settings.serverSettings, ...SERVER_SETTINGS },
  };
  const system = await MatrixSystem.open({ dir, root, settings, topology, report, signal });
  const http = new Http();
  try {
    await system.up();
    const gateway = () => [system.url('gateway')];
    const load = new Load({
      http,
      random: createRandom(seed),
      shorten: gateway,
      redirect: gateway,
      token: system.stack.addresses().token,
      deadlineMs: REQUEST_DEADLINE_MS + SLACK_MS,
      staleMs: STALE_MS,
    });
    try {
      await load.start(LINKS);
      const rows: MatrixRow[] = [];
      for (const fault of faults) {
        const row = await makeRow(system, load, fault);
        rows.push(row);
        report(`${fault}: ${row.violations.length === 0 ? 'as promised' : row.violations.join('; ')}`);
      }
      return rows;
    } finally {
      await load.stop();
    }
  } finally {
    http.close();
    await system.down();
  }
}

async function makeRow(system: MatrixSystem, load: Load, fault: MatrixFaultName): Promise<MatrixRow> {
  const beganMs = performance.now();
  load.turn();
  await MATRIX[fault].make(system, load);
  await system.untilWhole();
  await sleep(AFTERWARDS_MS, undefined, { signal: system.signal });
  const { tally, findings } = load.turn();
  const lost = await load.lost();
  const seconds = (performance.now() - beganMs) / 1_000;
  return { fault, seconds, tally, findings, lost, violations: violationsOf(MATRIX[fault], tally, findings, lost) };
}

function violationsOf(
  { mayFail = OPERATIONS }: MatrixFault,
  tally: Tally,
  { wrong, tooStale, mostStaleMs }: Findings,
  lost: readonly string[],
): readonly string[] {
  const violations: string[] = [];
  if (lost.length > 0) violations.push(`${lost.length} acknowledged links lost: ${lost.slice(0, 3).join('; ')}`);
  if (wrong.length > 0) violations.push(`${wrong.length} wrong redirects: ${wrong.slice(0, 3).join('; ')}`);
  if (tooStale > 0) {
    violations.push(`${tooStale} redirects stale beyond ${STALE_MS} ms, the worst ${Math.ceil(mostStaleMs)} ms`);
  }
  for (const operation of OPERATIONS) {
    const { failed, slowestMs, reasons } = tally.of(operation);
    if (failed > 0 && !mayFail.includes(operation)) {
      violations.push(`${failed} of ${operation} failed: ${[...reasons].map((each) => each.join(' × ')).join(', ')}`);
    }
    if (slowestMs > REQUEST_DEADLINE_MS + SLACK_MS) {
      violations.push(`${operation} took ${Math.ceil(slowestMs)} ms`);
    }
  }
  return violations;
}
