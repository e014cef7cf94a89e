import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StateCorruptError } from '../errors.js';
import type { ServerRole } from '../servers/server.js';
import type { ProcessIdentity } from './processes.js';

export const STATE_FILE = 'state.json';
const VERSION = 1;
const ROLES: readonly ServerRole[] = ['gateway', 'shorten', 'redirect', 'zookeeper', 'mysql', 'redis'];
/** `gateway`, or a role and a number; also the name of the process's folder. */
export const PROCESS_NAME = /^(gateway|(shorten|redirect|zookeeper|mysql|redis)-[1-9]\d{0,3})$/;

/** One server of the stack, running or not. */
export interface ProcessRecord {
  readonly name: string;
  readonly role: ServerRole;
  readonly port: number;
  /** gateway, shorten, redirect: the admin port. zookeeper: quorum and election. */
  readonly extraPorts: readonly number[];
  /** The last process started for it, alive or not. */
  readonly process?: ProcessIdentity;
  /** Told to end, and not seen to have ended. */
  readonly isDraining: boolean;
}

export interface StackState {
  readonly processes: readonly ProcessRecord[];
}

/** Undefined when there is no stack in `dir`. Throws {@link StateCorruptError} for anything but a state that this version wrote. */
export function readState(dir: string): StackState | undefined {
  const file = join(dir, STATE_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new StateCorruptError(`${file} is not JSON`);
  }
  if (!isRecord(value) || value.version !== VERSION || !Array.isArray(value.processes)) {
    throw new StateCorruptError(`${file} is not a stack's state of version ${VERSION}`);
  }
  const processes = value.processes.map((entry) => parseProcess(entry, file));
  if (new Set(processes.map(({ name }) => name)).size !== processes.length) {
    throw new StateCorruptError(`${file} names a process twice`);
  }
  return { processes };
}

/** Whole or not at all, also when the machine stops in between. */
export function writeState(dir: string, state: StackState): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, STATE_FILE);
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify({ version: VERSION, ...state }, undefined, 2)}\n`, {
    mode: 0o600,
    flush: true,
  });
  renameSync(partial, file);
}

function parseProcess(entry: unknown, file: string): ProcessRecord {
  const refuse = (): never => {
    throw new StateCorruptError(`${file} has a process that this version did not write: ${JSON.stringify(entry)}`);
  };
  if (!isRecord(entry)) return refuse();
  const { name, role, port, extraPorts, process, isDraining } = entry;
  if (typeof name !== 'string' || !PROCESS_NAME.test(name) || !ROLES.includes(role as ServerRole)) return refuse();
  if (!isPort(port) || !Array.isArray(extraPorts) || !extraPorts.every(isPort)) return refuse();
  if (extraPorts.length !== extraPortCount(role as ServerRole) || typeof isDraining !== 'boolean') return refuse();
  const record = { name, role: role as ServerRole, port, extraPorts, isDraining };
  if (process === undefined) return record;
  if (!isRecord(process) || typeof process.startedAt !== 'string') return refuse();
  const { pid, startedAt } = process;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid < 2) return refuse();
  return { ...record, process: { pid, startedAt } };
}

/** How many ports a server has beside its main one. */
export function extraPortCount(role: ServerRole): number {
  if (role === 'zookeeper') return 2;
  return role === 'mysql' || role === 'redis' ? 0 : 1;
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
