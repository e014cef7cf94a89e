import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { StartFailedError, StopFailedError } from '../errors.js';
import type { Awaited, LocalServer, ServerPlan } from './server.js';

const READY_DEADLINE_MS = 60_000;
/** A refusal that lasts so long does not pass by itself; one that a lagging read brought about is gone sooner. */
const REFUSED_MS = 3_000;
/** Longer than servers whose dependencies are there need. */
const TOLD_MS = 5_000;
const STOP_DEADLINE_MS = 10_000;
const PROBE_INTERVAL_MS = 50;
const FREEZE_DEADLINE_MS = 5_000;
const FREEZE_POLL_MS = 2;

/** The last lines of a log, for an error message. */
function logTail(file: string, lines = 15): string {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return `(no log at ${file})`;
  }
}

/**
 * Resolves once `plan` answers; rejects when `exited()` says so first, or at the deadline, with what it waits for or else the log's tail,
 * and with the signal's reason when it is aborted. What it waits for is reported within seconds.
 */
export async function awaitReady(
  plan: ServerPlan,
  exited: () => boolean,
  options: {
    readonly deadlineMs?: number | undefined;
    readonly toldMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
    readonly report?: ((line: string) => void) | undefined;
  } = {},
): Promise<void> {
  const { deadlineMs = READY_DEADLINE_MS, toldMs = TOLD_MS, signal, report } = options;
  const start = performance.now();
  let refusedSince: number | undefined;
  let isTold = report === undefined;
  for (;;) {
    const answers = await plan.ready();
    signal?.throwIfAborted();
    // Asked second: what answers on the port of a server that has ended is another one.
    if (exited()) {
      throw new StartFailedError(`${plan.name} ended while starting; its log ends with:\n${logTail(plan.logFile)}`);
    }
    if (answers) return;
    const awaited = await plan.awaits?.();
    const now = performance.now();
    refusedSince = awaited?.isRefusal ? (refusedSince ?? now) : undefined;
    if (refusedSince !== undefined && now - refusedSince > REFUSED_MS) {
      throw new StartFailedError(`${plan.name} cannot serve: ${awaited?.what}`);
    }
    if (now - start > deadlineMs) throw new StartFailedError(lateness(plan, deadlineMs, awaited));
    if (!isTold && awaited && now - start > toldMs) {
      isTold = true;
      report?.(`${plan.name} is not ready yet: ${awaited.what}`);
    }
    await sleep(PROBE_INTERVAL_MS);
  }
}

function lateness(plan: ServerPlan, deadlineMs: number, awaited: Awaited | undefined): string {
  if (awaited) return `${plan.name} is not ready after ${deadlineMs} ms: ${awaited.what}`;
  return `${plan.name} did not answer within ${deadlineMs} ms; its log ends with:\n${logTail(plan.logFile)}`;
}

/** Prepares, starts and awaits a server that ends with {@link LocalServer.stop}. For tests and benchmarks. */
export async function launch(plan: ServerPlan): Promise<LocalServer> {
  await plan.prepare();
  let child = await startChild(plan);

  async function stop(): Promise<void> {
    if (hasExited(child)) return;
    const exit = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(plan.stopSignal);
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await exit;
    clearTimeout(killer);
  }

  const server: LocalServer = {
    plan,
    get pid() {
      return child.pid as number;
    },
    get isRunning() {
      return !hasExited(child);
    },
    async signal(signal) {
      if (hasExited(child)) throw new Error(`${plan.name} is not running`);
      const exit = signal === 'SIGKILL' || signal === plan.stopSignal ? once(child, 'exit') : undefined;
      child.kill(signal);
      await exit;
      if (signal === 'SIGSTOP') await frozen(child.pid as number);
    },
    async restart() {
      await stop();
      child = await startChild(plan);
    },
    stop,
  };
  return server;
}

/** Resolves once every thread of a process that was sent SIGSTOP has stopped: one that has not yet may go on answering. */
async function frozen(pid: number): Promise<void> {
  const tasks = `/proc/${pid}/task`;
  const isStopped = (task: string) => {
    try {
      return /\) [Tt] /.test(readFileSync(`${tasks}/${task}/stat`, 'latin1'));
    } catch {
      return true; // it has ended
    }
  };
  const deadline = performance.now() + FREEZE_DEADLINE_MS;
  while (!readdirSync(tasks).every(isStopped)) {
    if (performance.now() > deadline) throw new StopFailedError(`${pid} runs on after SIGSTOP`);
    await sleep(FREEZE_POLL_MS);
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function startChild(plan: ServerPlan): Promise<ChildProcess> {
  const log = openSync(plan.logFile, 'a', 0o600);
  const [file, ...args] = plan.command;
  const child = spawn(file, args, { cwd: plan.dir, env: plan.env, ...plan.owner, stdio: ['ignore', log, log] });
  closeSync(log);
  await once(child, 'spawn');
  try {
    await awaitReady(plan, () => hasExited(child));
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return child;
}
