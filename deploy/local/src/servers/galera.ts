import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StartFailedError } from '../errors.js';
import { type MariadbSpec, mariadbPlan, mariadbSql } from './mariadb.js';
import { dataDirOf } from './mariadb-install.js';
import type { ServerPlan } from './server.js';

const run = promisify(execFile);

export const GALERA_LIBRARY = '/usr/lib/galera/libgalera_smm.so';
/** Where a node says, when it ends in order, how far it is. */
const STATE_FILE = 'grastate.dat';
const ASK_DEADLINE_MS = 2_000;
const RECOVER_DEADLINE_MS = 60_000;

/** A node's ports beside the one for clients: the group's, and those for the transfer of a part of the state and of all of it. */
export interface GaleraPorts {
  readonly group: number;
  readonly part: number;
  readonly whole: number;
}

export interface GaleraNode {
  readonly name: string;
  /** Its group's port. */
  readonly group: number;
}

export interface GaleraSpec extends Omit<MariadbSpec, 'isUncaged'> {
  readonly ports: GaleraPorts;
  /** All nodes, this one included, in the order in which clients use them. */
  readonly nodes: readonly GaleraNode[];
  /** Whether it begins the cluster, anew or after all nodes had ended; any other joins those that run. */
  readonly isFirst: boolean;
}

/**
 * All writes stand still until a node that does not answer is left out: for the suspect timeout and a second, three with these, six by default (5 s). Not
 * shorter: with suspect 1 s, inactive 2 s and 2 s to install the next group (`evs.install_timeout`, which stays at its 7.5 s here), a frozen node that woke was seen to take the
 * whole cluster apart, since the nodes had not agreed in time on who was left, and writes failed for up to 17 s.
 */
const GROUP_TIMES = [
  'evs.keepalive_period=PT0.5S',
  'evs.inactive_check_period=PT0.5S',
  'evs.suspect_timeout=PT2S',
  'evs.inactive_timeout=PT6S',
];

/**
 * A node of a Galera cluster on 127.0.0.1, ready when it takes part. It hands its data on by rsync, through scripts of Debian's package; so it
 * cannot be kept within its folder, and its user must be able to go there.
 */
export function galeraPlan(spec: GaleraSpec): ServerPlan {
  const { ports, nodes, isFirst, flags = [], ...rest } = spec;
  const plan = mariadbPlan({ ...rest, isUncaged: true, flags: [...galeraFlags(spec), ...flags] });
  return {
    ...plan,
    async prepare() {
      await plan.prepare();
      if (isFirst) await allowFirst(plan);
    },
    ready: async () => (await plan.ready()) && (await isInCluster(plan)),
  };
}

function galeraFlags({ name, ports, nodes, isFirst }: GaleraSpec): string[] {
  const options = [
    'base_host=127.0.0.1',
    `base_port=${ports.group}`,
    `gmcast.listen_addr=tcp://127.0.0.1:${ports.group}`,
    `ist.recv_addr=127.0.0.1:${ports.part}`,
    'gcache.size=8M',
    ...GROUP_TIMES,
  ];
  const peers = isFirst ? [] : nodes.map(({ group }) => `127.0.0.1:${group}`);
  // While it hands on all of its data by rsync, a donor takes no writes: better one that nobody uses. The last comma: or else any.
  const donors = nodes.filter((node) => node.name !== name).map((node) => `${node.name},`);
  return [
    '--wsrep-on=ON',
    `--wsrep-provider=${GALERA_LIBRARY}`,
    '--binlog-format=ROW',
    '--innodb-autoinc-lock-mode=2',
    `--wsrep-cluster-address=gcomm://${peers.join(',')}`,
    `--wsrep-node-name=${name}`,
    `--wsrep-sst-donor=${donors.reverse().join('')}`,
    `--wsrep-node-address=127.0.0.1:${ports.group}`,
    '--wsrep-sst-method=rsync',
    `--wsrep-sst-receive-address=127.0.0.1:${ports.whole}`,
    `--wsrep-provider-options=${options.join(';')}`,
    ...(isFirst ? ['--wsrep-new-cluster'] : []),
  ];
}

async function isInCluster(plan: ServerPlan): Promise<boolean> {
  return (await galeraStatus(plan))?.isReady ?? false;
}

/** What a node says of itself; undefined when it does not answer. */
export async function galeraStatus(
  plan: ServerPlan,
): Promise<{ readonly isReady: boolean; readonly nodes: number; readonly state: string } | undefined> {
  const asked = "SHOW STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_cluster_size', 'wsrep_local_state_comment')";
  const answer = await mariadbSql(plan, asked, ASK_DEADLINE_MS).catch(() => undefined);
  if (answer === undefined) return undefined;
  const facts = new Map(answer.split('\n').map((line) => line.split('\t') as [string, string]));
  return {
    isReady: facts.get('wsrep_ready') === 'ON',
    nodes: Number(facts.get('wsrep_cluster_size') ?? 0),
    state: facts.get('wsrep_local_state_comment') ?? '',
  };
}

/** How far a node that has ended has come: the number of its last write, -1 for one that never was in a cluster. */
export async function galeraPosition(plan: ServerPlan): Promise<number> {
  const text = stateText(plan);
  if (text === undefined) return -1;
  const seqno = Number(/^seqno:\s+(-?\d+)$/m.exec(text)?.[1] ?? -1);
  if (seqno >= 0) return seqno;
  // Of one that was killed its tables tell.
  const [file, ...args] = plan.command;
  const { stderr, stdout } = await run(file, [...args, '--wsrep-recover'], {
    cwd: plan.dir,
    env: plan.env,
    ...plan.owner,
    timeout: RECOVER_DEADLINE_MS,
  });
  const recovered = /WSREP: Recovered position: \S+:(-?\d+)/.exec(stderr + stdout)?.[1];
  if (recovered === undefined) throw new StartFailedError(`${plan.name} does not say how far it had come`);
  return Number(recovered);
}

/**
 * A cluster of which all nodes have ended begins again with the one that has come furthest; its operator says so in this file. Written as the
 * node's user: root would follow where a link of that user's leads.
 */
async function allowFirst(plan: ServerPlan): Promise<void> {
  if (stateText(plan) === undefined) return;
  const edit = 's/^safe_to_bootstrap: 0$/safe_to_bootstrap: 1/';
  await run('/bin/sed', ['-i', edit, join(dataDirOf(plan.dir), STATE_FILE)], { cwd: '/', ...plan.owner });
}

function stateText(plan: ServerPlan): string | undefined {
  try {
    return readFileSync(join(dataDirOf(plan.dir), STATE_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
