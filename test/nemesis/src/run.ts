/** One run: the stack comes up, clients set to work, faults are made one after another, all is healed, looked at, and judged. */
import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FIRST_MARK } from '@lakh/id-range';
import type { LocalSettings } from '@lakh/local';
import { FAULTS, type FaultName } from './catalogue.js';
import { checkHistory, type Verdict } from './check/check.js';
import { Clients } from './clients.js';
import { findFaketime } from './clock.js';
import { collectFacts, followEveryLink } from './collect.js';
import { MAKE } from './faults/index.js';
import { HistoryWriter, readHistory } from './history.js';
import { createRandom, type Random } from './random.js';
import { type Step, schedule } from './schedule.js';
import { LEASE_ATTEMPT_MS, SHORTEN, System, WITH_WORKERS } from './system.js';

export interface NemesisOptions {
  /** The folder of stack and history; made when it is missing. */
  readonly dir: string;
  /** The repository. */
  readonly root: string;
  /** As the stack reads its environment; {@link SERVER_SETTINGS} win. */
  readonly settings: LocalSettings;
  readonly seed: number;
  /** How long faults go on being made. */
  readonly minutes?: number;
  /** Ends after so many faults, too. */
  readonly steps?: number;
  readonly faults?: readonly FaultName[];
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface NemesisResult {
  readonly verdict: Verdict;
  readonly historyFile: string;
  /** Faults that were asked for and cannot be made on this machine. */
  readonly leftOut: readonly FaultName[];
}

/** Small, so that leases are under way at every fault. */
export const RANGE_SIZE = 200;
const L1_TTL_MS = 1_000;
/** Deletes reach L1 within its TTL while Redis is away, and Redis' copies some seconds after it is back. */
const STALE_MS = 15_000;
const CLIENTS = 24;
const THINK_MS = 120;
/** Creates between two faults, so that each meets a system at work. */
const BETWEEN_FAULTS_MS = 700;

const SERVER_SETTINGS = {
  LAKH_RANGE_SIZE: String(RANGE_SIZE),
  LAKH_RUNWAY_S: '2',
  LAKH_RANGES_MAX_HELD: '4',
  LAKH_LEASE_DEADLINE_MS: '3000',
  LAKH_LEASE_ATTEMPT_MS: String(LEASE_ATTEMPT_MS),
  LAKH_STORE_DEADLINE_MS: '1500',
  LAKH_L1_TTL_MS: String(L1_TTL_MS),
  LAKH_LOG_LEVEL: 'info',
} as const;

/**
 * Resolves with the verdict: a system that does not become whole again is a violation, told with what else is found. Rejects when it
 * did not come up, or when interrupted. Nothing of it runs on when it settles.
 */
export async function runNemesis(options: NemesisOptions): Promise<NemesisResult> {
  const { root, seed, report, signal } = options;
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  const dir = realpathSync(options.dir);
  const faketimeLibrary = findFaketime();
  const wanted = options.faults ?? FAULTS;
  const leftOut = wanted.filter((fault) => fault === 'skew-clock' && faketimeLibrary === undefined);
  const history = new HistoryWriter(join(dir, 'history.jsonl'));
  history.add({
    type: 'run',
    seed,
    startedAt: new Date().toISOString(),
    rangeSize: RANGE_SIZE,
    firstMark: FIRST_MARK,
    withWorkers: [WITH_WORKERS],
    staleMs: STALE_MS,
  });
  const settings = {
    ...options.settings,
    serverSettings: { ...options.settings.serverSettings, ...SERVER_SETTINGS },
  };
  const system = await System.open({ dir, root, settings, history, faketimeLibrary, report, signal });
  try {
    await system.up();
    try {
      await disturb(system, { ...options, faults: wanted.filter((fault) => !leftOut.includes(fault)) });
      await look(system, report);
    } catch (error) {
      if (signal.aborted) throw error;
      await salvage(system, error, report);
    }
  } finally {
    await system.down();
    history.close();
  }
  report('judging the history');
  return { verdict: await checkHistory(readHistory(history.file)), historyFile: history.file, leftOut };
}

async function disturb(
  system: System,
  options: NemesisOptions & { readonly faults: readonly FaultName[] },
): Promise<void> {
  const { seed, report, faults, steps = Number.POSITIVE_INFINITY } = options;
  const endMs = performance.now() + (options.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  const { processes } = await system.stack.status();
  const targets = new Map(processes.map(({ name, url }) => [name, url]));
  // The schedule has its own sequence: what clients draw depends on how fast answers come.
  const random = createRandom(seed);
  const clients = new Clients({
    http: system.http,
    history: system.history,
    targets,
    count: CLIENTS,
    seed,
    thinkMs: THINK_MS,
    random: createRandom(seed + 1),
    token: system.stack.addresses().token,
  });
  try {
    await system.untilLeased(1, RANGE_SIZE);
    const plan = schedule(faults, random.next);
    for (let step = 1; step <= steps && performance.now() < endMs; step += 1) {
      const { value } = plan.next();
      await makeStep(system, value, random, step, report);
      await sleep(BETWEEN_FAULTS_MS, undefined, { signal: system.signal });
    }
    await system.untilLeased(1, RANGE_SIZE);
  } finally {
    await clients.stop();
  }
}

/** Makes the faults of a step, and waits until the system is whole again. */
async function makeStep(
  system: System,
  step: Step,
  random: Random,
  number: number,
  report: (line: string) => void,
): Promise<void> {
  const { history } = system;
  // Each gets a sequence of its own, so that neither depends on how fast the other is.
  const seeds = step.map(() => random.between(0, 2 ** 31));
  const beginMs = history.nowMs();
  const made = step.flatMap((fault, i) => (fault === undefined ? [] : [{ fault, seed: seeds[i] as number }]));
  report(`${number}: ${made.map(({ fault }) => fault).join(' + ')} …`);
  for (const { fault } of made) history.add({ type: 'fault', fault, phase: 'begin', atMs: history.nowMs() });
  const outcomes = await Promise.allSettled(
    made.map(({ fault, seed }) =>
      MAKE[fault]({ system, random: createRandom(seed), rangeSize: RANGE_SIZE, id: `${number}-${fault}` }),
    ),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  await system.untilWhole();
  const details = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : ''));
  for (const [i, { fault }] of made.entries()) {
    history.add({ type: 'fault', fault, phase: 'end', atMs: history.nowMs(), detail: details[i] as string });
  }
  report(`${number}: ${details.join(' + ')}; whole after ${((history.nowMs() - beginMs) / 1000).toFixed(1)} s`);
}

async function look(system: System, report: (line: string) => void): Promise<void> {
  report('no more faults; following every link');
  await system.untilWhole();
  // What a server has in its memory outlives a deletion for so long at most.
  await sleep(L1_TTL_MS, undefined, { signal: system.signal });
  await followEveryLink(system);
  report('stopping the shorten servers, and looking at store, ledger, ZooKeeper and logs');
  await system.stop(...SHORTEN);
  await collectFacts(system);
}

/** A system that is not whole any more: as much as can still be known of it, for the verdict. */
async function salvage(system: System, error: unknown, report: (line: string) => void): Promise<void> {
  const { history, stack } = system;
  const message = error instanceof Error ? error.message : String(error);
  report(`giving up: ${message}`);
  history.add({ type: 'alarm', server: 'nemesis', message });
  const left = stack.running().filter(({ name }) => name.startsWith('shorten'));
  try {
    for (const { name } of left) await system.kill(name);
    await collectFacts(system);
  } catch (second) {
    report(`nor can more be known: ${second instanceof Error ? second.message : String(second)}`);
  }
}
