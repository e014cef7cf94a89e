import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readProcess } from '@lakh/process';
import { StartFailedError } from '../errors.js';
import type { ServerPlan } from '../servers/server.js';

const POLL_MS = 20;

/** A process beyond doubt: a process id alone may be given to another one as soon as its process is gone. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Boot and moment of its start, from /proc; opaque. */
  readonly startedAt: string;
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Who runs under this id now; undefined when nobody does. */
export function identify(pid: number): ProcessIdentity | undefined {
  const found = readProcess(pid);
  return found && { pid, startedAt: `${bootId()}/${found.startedAt}` };
}

/** False also for a zombie: it runs nothing, and its parent may never ask for it. */
export function isAlive(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startedAt === process.startedAt;
}

/** Ids of the processes that this one forked and that still run. */
export function childrenOf(pid: number): number[] {
  return processIds().filter((child) => readProcess(child)?.parentPid === pid);
}

function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Sends a signal to exactly this process; false when it is gone. */
export function signalOne(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  return isAlive(target) && sendTo(target.pid, signal);
}

/**
 * Sends a signal to the process and what it forked (nginx's workers outlive a killed master and keep its port), that is, to
 * its process group: as long as a member lives, the kernel gives its number to nobody else. `dir` is a second witness where
 * the leader is gone: members must still be at work in the server's own folder.
 */
export function signalGroup(target: ProcessIdentity, dir: string, signal: NodeJS.Signals): boolean {
  if (!isAlive(target) && groupMembers(target, dir).length === 0) return false;
  return sendTo(-target.pid, signal);
}

/** What is left of a process group, its leader included. */
export function groupMembers(target: ProcessIdentity, dir: string): number[] {
  const leader = identify(target.pid);
  // The id belongs to a later process, so the group of that number does as well.
  if (leader !== undefined && leader.startedAt !== target.startedAt) return [];
  return processIds().filter((pid) => readProcess(pid)?.processGroup === target.pid && worksIn(pid, dir));
}

function worksIn(pid: number, dir: string): boolean {
  try {
    const at = readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '');
    return at === dir || at.startsWith(`${dir}/`);
  } catch {
    return false;
  }
}

function sendTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Resolves true once nothing of the process is left, false when `deadlineMs` is over or `hurry` aborted first. */
export async function awaitGone(
  target: ProcessIdentity,
  dir: string,
  deadlineMs: number,
  hurry?: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + deadlineMs;
  while (isAlive(target) || groupMembers(target, dir).length > 0) {
    if (performance.now() > deadline || hurry?.aborted) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/**
 * Starts a prepared plan in a session of its own, its output appended to its log: it lives on when this process ends, and a
 * Ctrl-C in this terminal does not reach it. `record` is called before anything else can happen.
 */
export async function spawnDetached(plan: ServerPlan, record: (started: ProcessIdentity) => void): Promise<void> {
  const log = openSync(plan.logFile, 'a', 0o600);
  const [file, ...args] = plan.command;
  const child = spawn(file, args, {
    cwd: plan.dir,
    env: plan.env,
    ...plan.owner,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const { pid } = child;
  const started = pid === undefined ? undefined : identify(pid);
  if (started !== undefined) record(started);
  child.unref();
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new StartFailedError(`${plan.name} cannot be run: ${error.message}`)));
  });
}
