import { join } from 'node:path';
import { processSettings } from '@lakh/process';
import { StopFailedError, UsageError, WrongStateError } from '../errors.js';
import { withLock } from '../lock.js';
import { awaitReady } from '../servers/launch.js';
import type { ServerPlan } from '../servers/server.js';
import { withFreeGroupPorts } from './layout.js';
import { planOf, type StackContext } from './plans.js';
import {
  awaitGone,
  groupMembers,
  isAlive,
  type ProcessIdentity,
  signalGroup,
  signalOne,
  spawnDetached,
} from './processes.js';
import { type SavedSettings, savedSettings } from './secrets.js';
import { type ProcessRecord, readState, type StackState, writeState } from './state.js';

/** A verb on the whole stack may take as long as a slow machine needs to come up. */
const VERB_WAIT_MS = 120_000;
/** Held for one read, spawn and write of the state. */
const STATE_WAIT_MS = 30_000;
export const VERB_LOCK = '.verb.lock';
export const STATE_LOCK = '.state.lock';
const DEFAULT_DRAIN_MS = 10_000;
/** Beyond the time that a server gives itself. */
const DRAIN_SLACK_MS = 5_000;
const RESEND_MS = 500;
export const KILL_DEADLINE_MS = 5_000;

/** How verbs, each a process of its own, work on one state: exclusively, one server at a time, written before it matters. */
export class Session {
  readonly context: StackContext;
  readonly report: (line: string) => void;

  constructor(context: StackContext, report: (line: string) => void) {
    this.context = context;
    this.report = report;
  }

  /** Runs a verb that changes more than one server; kills go on meanwhile. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const what = `another command on the stack in ${this.context.dir}`;
    return withLock(join(this.context.dir, VERB_LOCK), { waitMs: VERB_WAIT_MS, what }, work);
  }

  /** Throws a {@link WrongStateError} when there is no stack. */
  read(): StackState {
    const state = readState(this.context.dir);
    if (state === undefined) throw new WrongStateError(`no stack in ${this.context.dir}: start one with "up"`);
    return state;
  }

  record(name: string): ProcessRecord {
    const { processes } = this.read();
    const found = processes.find((record) => record.name === name);
    if (found) return found;
    throw new UsageError(`no process ${JSON.stringify(name)}; there are ${processes.map((r) => r.name).join(', ')}`);
  }

  /** Reads, changes and writes the state while nobody else does. */
  mutate(change: (state: StackState, write: (next: StackState) => void) => Promise<void> | void): Promise<void> {
    const what = `another command on ${this.context.dir}/state.json`;
    return withLock(join(this.context.dir, STATE_LOCK), { waitMs: STATE_WAIT_MS, what }, async () => {
      await change(this.read(), (next) => writeState(this.context.dir, next));
    });
  }

  folderOf(name: string): string {
    return join(this.context.dir, name);
  }

  /** What `up` was given, under what this command's environment says. */
  saved(): SavedSettings {
    const saved = savedSettings(this.context.dir);
    return { ...saved, serverSettings: { ...saved.serverSettings, ...this.context.settings.serverSettings } };
  }

  plan(record: ProcessRecord): ServerPlan {
    return planOf(this.context, this.read(), record, this.saved());
  }

  /** Spawns an exited server; resolves when its process is recorded, with what awaits its readiness. */
  async spawn(name: string): Promise<(signal?: AbortSignal, ready?: ServerPlan['ready']) => Promise<void>> {
    await this.#endLeftovers(this.record(name));
    await this.#replaceTakenPorts(this.record(name));
    const plan = this.plan(this.record(name));
    await plan.prepare();
    let started: ProcessIdentity | undefined;
    await this.mutate(async (state, write) => {
      const now = state.processes.find((record) => record.name === name);
      if (now?.process && isAlive(now.process))
        throw new WrongStateError(`${name} runs already (pid ${now.process.pid})`);
      await spawnDetached(plan, (identity) => {
        started = identity;
        write(withRecord(state, name, (record) => ({ ...record, process: identity, isDraining: false })));
      });
    });
    const exited = (): boolean => started === undefined || !isAlive(started);
    return (signal, ready = plan.ready) =>
      awaitReady({ ...plan, ready }, exited, { signal, report: (line) => this.report(line) });
  }

  /** What a killed server forked may still hold its port. */
  async #endLeftovers({ name, process }: ProcessRecord): Promise<void> {
    if (process === undefined || isAlive(process)) return;
    if (!signalGroup(process, this.folderOf(name), 'SIGKILL')) return;
    if (await awaitGone(process, this.folderOf(name), KILL_DEADLINE_MS)) return;
    throw new StopFailedError(`what ${name} left behind does not end`);
  }

  async #replaceTakenPorts(record: ProcessRecord): Promise<void> {
    if (record.process !== undefined && isAlive(record.process)) return;
    const placed = await withFreeGroupPorts(this.read(), record);
    if (placed === record) return;
    this.report(`${record.name} takes other ports for its group: somebody listens on those that it had`);
    await this.mutate((state, write) =>
      write(withRecord(state, record.name, (now) => ({ ...now, extraPorts: placed.extraPorts }))),
    );
  }

  /** Wakes, asks to end, and after a bound (or when `hurry` is aborted) ends a server; resolves when nothing of it is left. */
  async stop(name: string, hurry?: AbortSignal): Promise<void> {
    const record = this.record(name);
    const { process: running } = record;
    if (running === undefined) return;
    const plan = this.plan(record);
    if (!isAlive(running) && groupMembers(running, plan.dir).length === 0) return;
    if (!hurry?.aborted && isAlive(running)) {
      await this.mark(name, true);
      signalGroup(running, plan.dir, 'SIGCONT');
      if (await this.#endedByItself(record, running, plan, hurry)) return;
      this.report(`${name} did not end by itself; ending it`);
    }
    signalGroup(running, plan.dir, 'SIGKILL');
    if (await awaitGone(running, plan.dir, KILL_DEADLINE_MS)) return;
    throw new StopFailedError(`${name} (pid ${running.pid}) is still there after SIGKILL`);
  }

  async #endedByItself(
    record: ProcessRecord,
    running: ProcessIdentity,
    plan: ServerPlan,
    hurry: AbortSignal | undefined,
  ): Promise<boolean> {
    const boundMs = this.drainBoundMs(record);
    // A MariaDB that has just started loses the signal. Lakh's own servers and nginx take a second one for "at once".
    const tries = record.role === 'mysql' ? Math.ceil(boundMs / RESEND_MS) : 1;
    for (let sent = 0; sent < tries && !hurry?.aborted; sent++) {
      signalOne(running, plan.stopSignal);
      if (await awaitGone(running, plan.dir, boundMs / tries, hurry)) return true;
    }
    return false;
  }

  mark(name: string, isDraining: boolean): Promise<void> {
    return this.mutate((state, write) => write(withRecord(state, name, (record) => ({ ...record, isDraining }))));
  }

  /** How long a server of this role may take to end by itself. */
  drainBoundMs(record: ProcessRecord): number {
    if (record.role !== 'shorten' && record.role !== 'redirect') return DEFAULT_DRAIN_MS;
    const { name, parser } = processSettings.drainTimeoutMs;
    return (parser.parse(this.saved().serverSettings[name] ?? '') ?? DEFAULT_DRAIN_MS) + DRAIN_SLACK_MS;
  }
}

function withRecord(state: StackState, name: string, change: (record: ProcessRecord) => ProcessRecord): StackState {
  return { ...state, processes: state.processes.map((record) => (record.name === name ? change(record) : record)) };
}
