import { join } from 'node:path';
import { galeraPlan } from '../servers/galera.js';
import { mariadbPlan } from '../servers/mariadb.js';
import { replicatedMariadbPlan } from '../servers/replication.js';
import type { ServerPlan } from '../servers/server.js';
import { tabletDatabasePlan, tabletUid } from '../vitess/plans.js';
import { isAlive } from './processes.js';
import { stackPasswords } from './secrets.js';
import { databaseKind, extraPort, numberOf, type ProcessRecord, recordsOf, type StackState } from './state.js';

/** One server of the stack's database, as it would be started now. */
export function databasePlan(stackDir: string, state: StackState, record: ProcessRecord): ServerPlan {
  const { name, port } = record;
  const place = { name, dir: join(stackDir, name), port };
  switch (databaseKind(state)) {
    case 'mariadb':
      return mariadbPlan(place);
    case 'replicas': {
      const isPrimary = state.database?.primary === name;
      const plan = replicatedMariadbPlan({ ...place, serverId: numberOf(name), isPrimary });
      // Any other may be a primary from before, which would commit at an end in order what nobody else has.
      return isPrimary ? plan : { ...plan, stopSignal: 'SIGKILL' };
    }
    case 'vitess':
      return tabletDatabasePlan({
        ...place,
        uid: tabletUid(name),
        isReplica: primaryNumber(state, name) !== undefined,
      });
    case 'galera': {
      const nodes = recordsOf(state, 'mysql');
      const others = nodes.filter((node) => node.name !== name);
      return galeraPlan({
        ...place,
        ports: { group: extraPort(record, 0), part: extraPort(record, 1), whole: extraPort(record, 2) },
        nodes: nodes.map((node) => ({ name: node.name, group: extraPort(node, 0) })),
        isFirst: !others.some(({ process }) => process && isAlive(process)),
        rootPassword: stackPasswords(stackDir).databaseRoot,
      });
    }
  }
}

/** Of a tablet's MariaDB, or a tablet, that is a replica: the number of its shard's primary. */
export function primaryNumber(state: StackState, name: string): number | undefined {
  const primary = state.database?.vitess?.replicas[`vttablet-${numberOf(name)}`];
  return primary === undefined ? undefined : numberOf(primary);
}

/** The server that takes writes; of Galera's nodes, which all do, the first. */
export function primaryOf(state: StackState): ProcessRecord {
  const servers = recordsOf(state, 'mysql');
  const primary = servers.find(({ name }) => name === state.database?.primary) ?? servers[0];
  if (primary === undefined) throw new Error('a stack without a database');
  return primary;
}
