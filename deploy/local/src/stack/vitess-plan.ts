import { join } from 'node:path';
import type { ServerPlan } from '../servers/server.js';
import { tabletUid, type VitessSettings, vtctldPlan, vtgatePlan, vttabletPlan } from '../vitess/plans.js';
import { stackPasswords } from './secrets.js';
import { extraPort, numberOf, type ProcessRecord, recordsOf, type StackState, type VitessState } from './state.js';

/** One server of the stack's Vitess, as it would be started now. */
export function vitessPlan(
  stackDir: string,
  settings: VitessSettings,
  state: StackState,
  record: ProcessRecord,
): ServerPlan {
  const { name, role, port } = record;
  const place = { ...settings, name, dir: join(stackDir, name), port };
  const httpPort = extraPort(record, 0);
  if (role === 'vtctld') return vtctldPlan({ ...place, httpPort });
  if (role === 'vtgate') {
    return vtgatePlan({ ...place, httpPort, rpcPort: extraPort(record, 1), accounts: stackPasswords(stackDir) });
  }
  const database = recordsOf(state, 'mysql').find((server) => numberOf(server.name) === numberOf(name));
  const shard = vitessOf(state).shards[name];
  if (database === undefined || shard === undefined) throw new Error(`${name} has no database or no shard`);
  return vttabletPlan({ ...place, httpPort, uid: tabletUid(name), shard, databasePort: database.port });
}

export function vitessOf(state: StackState): VitessState {
  const { vitess } = state.database ?? {};
  if (vitess === undefined) throw new Error('a stack without Vitess');
  return vitess;
}
