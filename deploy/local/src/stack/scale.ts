import { UsageError, WrongStateError } from '../errors.js';
import { reloadNginx } from '../servers/nginx.js';
import { furtherServers, MAX_SERVERS } from './layout.js';
import { gatewayOf, gatewaySpec } from './plans.js';
import { isAlive } from './processes.js';
import type { Session } from './session.js';
import { type ProcessRecord, recordsOf, type StackState } from './state.js';
import { together } from './together.js';

export interface ScaleTargets {
  readonly shorten?: number;
  readonly redirect?: number;
}

/** The verb `scale`, with the stack's lock held. New servers take requests before removed ones stop. */
export async function scaleStack(session: Session, targets: ScaleTargets): Promise<void> {
  const state = session.read();
  if (!state.processes.some(({ process }) => process && isAlive(process))) {
    throw new WrongStateError(`the stack in ${session.context.dir} is not running: start it with "up"`);
  }
  const added: ProcessRecord[] = [];
  const removed: ProcessRecord[] = [];
  for (const role of ['shorten', 'redirect'] as const) {
    const target = targets[role];
    if (target === undefined) continue;
    if (!Number.isInteger(target) || target < 1 || target > MAX_SERVERS) {
      throw new UsageError(`${role}=${target}: from 1 to ${MAX_SERVERS} servers`);
    }
    const now = recordsOf(state, role);
    removed.push(...now.slice(target));
    if (target > now.length) added.push(...(await furtherServers(state, role, target - now.length)));
  }
  await add(session, added);
  await reloadGateway(session, without(session.read(), removed));
  await Promise.all(removed.map(({ name }) => session.stop(name)));
  await session.mutate((current, write) => write(without(current, removed)));
  for (const { name } of removed) session.report(`${name} is drained and removed`);
}

async function add(session: Session, added: readonly ProcessRecord[]): Promise<void> {
  if (added.length === 0) return;
  await session.mutate((current, write) => write({ ...current, processes: [...current.processes, ...added] }));
  try {
    await together(
      session,
      added.map((record) => ({ record })),
    );
  } catch (error) {
    await Promise.allSettled(added.map(({ name }) => session.stop(name)));
    await session.mutate((current, write) => write(without(current, added)));
    throw error;
  }
}

async function reloadGateway(session: Session, state: StackState): Promise<void> {
  const { process } = gatewayOf(state);
  if (process === undefined || !isAlive(process)) {
    session.report(`${gatewayOf(state).name} is not running; it will know its servers when it is started`);
    return;
  }
  await reloadNginx(gatewaySpec(session.context, state, session.saved()), process.pid);
}

function without(state: StackState, removed: readonly ProcessRecord[]): StackState {
  return { ...state, processes: state.processes.filter(({ name }) => !removed.some((record) => record.name === name)) };
}
