import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { portProbe } from '../probe.js';
import { makeFolder, makeOwnFolder, ownerOf, writeFor } from './owner.js';
import { freePorts } from './ports.js';
import type { ServerPlan } from './server.js';

/** One node of an ensemble: `id` is its `myid` (1–255), unique in the ensemble. All on 127.0.0.1. */
export interface ZookeeperMember {
  readonly id: number;
  readonly clientPort: number;
  readonly quorumPort: number;
  readonly electionPort: number;
}

export interface ZookeeperPlanSpec {
  readonly name: string;
  readonly dir: string;
  /** Which of `members` this node is. */
  readonly id: number;
  /** The whole ensemble, this node included. One member: a standalone server. */
  readonly members: readonly ZookeeperMember[];
  /** What its members prove to each other; without one, whoever reaches their ports may join them. Letters, digits, `-` and `_`. */
  readonly quorumPassword?: string;
}

/** ZooKeeper's unit of time; sessions may be as short as {@link MIN_SESSION_TIMEOUT_MS} so that an expiry can be seen in a test. */
const TICK_MS = 250;
const MIN_SESSION_TIMEOUT_MS = 500;
const MAX_SESSION_TIMEOUT_MS = 40_000;

/** Debian's jar names its libraries in its manifest, except a logger: this one writes to standard error. */
const CLASS_PATH = '/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar';

const CONFIG = 'zoo.cfg';
const LOGINS = 'logins.conf';
/** Java makes a relative name absolute, by a way that its user may not go. */
const FROM_INSIDE = '/proc/self/cwd';

const JAVA_FLAGS = [
  '-Xms32m',
  '-Xmx128m',
  '-XX:+UseSerialGC',
  // Start-up is most of what a test pays for, and C1 alone halves it.
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-XX:+DisableAttachMechanism',
  '-Djava.awt.headless=true',
  '-Dzookeeper.admin.enableServer=false',
  '-Dzookeeper.jmx.log4j.disable=true',
  // KiB; the default of 64 MiB a log file is for disks of its own.
  '-Dzookeeper.preAllocSize=1024',
  // Otherwise a node that waits for others backs off up to a minute between votes.
  '-Dzookeeper.fastleader.maxNotificationInterval=1000',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=info',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss,SSS',
  // One line a connection or probe otherwise.
  '-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.NIOServerCnxn=warn',
  '-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.command=warn',
  '-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.quorum.QuorumPeer=warn',
];

/**
 * One ZooKeeper node on 127.0.0.1, from Debian's package. A node of an ensemble is ready only when a majority runs: start
 * them together and await them together.
 */
export function zookeeperPlan(spec: ZookeeperPlanSpec): ServerPlan {
  const { name, dir, id, members, quorumPassword } = spec;
  const owner = ownerOf(dir);
  const self = members.find((member) => member.id === id);
  if (self === undefined) throw new Error(`${name}: no member has the id ${id}`);
  const dataDir = join(dir, 'data');
  return {
    name,
    role: 'zookeeper',
    host: '127.0.0.1',
    port: self.clientPort,
    dir,
    logFile: join(dir, 'zookeeper.log'),
    command: [
      'java',
      ...JAVA_FLAGS,
      '-cp',
      CLASS_PATH,
      ...(quorumPassword === undefined ? [] : [`-Djava.security.auth.login.config=${FROM_INSIDE}/${LOGINS}`]),
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      `./${CONFIG}`,
    ],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    owner,
    stopSignal: 'SIGTERM',
    async prepare() {
      makeFolder(dir, owner);
      if (!existsSync(dataDir)) {
        mkdirSync(dataDir, { mode: 0o700 });
        writeFileSync(join(dataDir, 'myid'), `${id}\n`);
      }
      makeOwnFolder(dataDir, owner);
      await writeFor(owner, join(dir, LOGINS), quorumLogins(quorumPassword ?? ''));
      await writeFor(owner, join(dir, CONFIG), zookeeperConfig(self, members, quorumPassword !== undefined));
    },
    async ready() {
      const answer = await portProbe(self.clientPort, 'srvr');
      return answer !== undefined && /^Mode: (leader|follower|standalone)$/m.test(answer);
    },
  };
}

/** Whether a node answers, be it that it does not serve for want of a quorum. */
export async function zookeeperRuns(clientPort: number): Promise<boolean> {
  return (await portProbe(clientPort, 'srvr')) !== undefined;
}

/** A node's `Mode` (`leader`, `follower`, `standalone`), or undefined when it does not serve. Bounded to a second. */
export async function zookeeperMode(clientPort: number): Promise<string | undefined> {
  return (await zookeeperFacts(clientPort))?.mode;
}

export interface ZookeeperFacts {
  /** `leader`, `follower` or `standalone`. */
  readonly mode: string;
  /** The last transaction that this node knows: the upper half is the leader's epoch, the lower one counts within it. */
  readonly zxid: bigint;
  /** Packets from clients since the node started, pings and probes among them. */
  readonly received: number;
}

/** What a node says of itself, or undefined when it does not serve. Bounded to a second. */
export async function zookeeperFacts(clientPort: number): Promise<ZookeeperFacts | undefined> {
  const answer = await portProbe(clientPort, 'srvr');
  const fact = (pattern: RegExp) => answer?.match(pattern)?.[1];
  const mode = fact(/^Mode: (\w+)$/m);
  const zxid = fact(/^Zxid: (0x[0-9a-f]+)$/m);
  const received = fact(/^Received: (\d+)$/m);
  if (mode === undefined || zxid === undefined || received === undefined) return undefined;
  return { mode, zxid: BigInt(zxid), received: Number(received) };
}

/**
 * Plans for `nodes` members on free ports, in `dir`/zookeeper-1 …, and the connection string (without a chroot). Ports are
 * free at the time of the call: launch the plans soon, all at once.
 */
export async function zookeeperEnsemble(spec: {
  readonly dir: string;
  readonly nodes: number;
}): Promise<{ readonly plans: readonly ServerPlan[]; readonly connectString: string }> {
  const ports = await freePorts(spec.nodes * 3);
  const members = Array.from({ length: spec.nodes }, (_, index): ZookeeperMember => {
    const [clientPort, quorumPort, electionPort] = ports.slice(index * 3) as [number, number, number];
    return { id: index + 1, clientPort, quorumPort, electionPort };
  });
  const plans = members.map(({ id }) => {
    const name = `zookeeper-${id}`;
    return zookeeperPlan({ name, dir: join(spec.dir, name), id, members });
  });
  return { plans, connectString: plans.map((plan) => `${plan.host}:${plan.port}`).join(',') };
}

/** Members log in to each other in both directions, by a challenge (DIGEST-MD5): who listens in the place of one that is down learns nothing. */
function quorumLogins(password: string): string {
  const login = 'org.apache.zookeeper.server.auth.DigestLoginModule required';
  return `QuorumServer { ${login} user_lakh="${password}"; };\nQuorumLearner { ${login} username="lakh" password="${password}"; };\n`;
}

const QUORUM_LOGIN = [
  'quorum.auth.enableSasl=true',
  'quorum.auth.learnerRequireSasl=true',
  'quorum.auth.serverRequireSasl=true',
];

/** The text of a node's zoo.cfg. */
function zookeeperConfig(self: ZookeeperMember, members: readonly ZookeeperMember[], login = false): string {
  const lines = [
    `dataDir=${FROM_INSIDE}/data`,
    `clientPort=${self.clientPort}`,
    'clientPortAddress=127.0.0.1',
    `tickTime=${TICK_MS}`,
    // Ticks: 10 s to join and fetch the state, 2 s of silence before a leader or follower counts as gone.
    'initLimit=40',
    'syncLimit=8',
    `minSessionTimeout=${MIN_SESSION_TIMEOUT_MS}`,
    `maxSessionTimeout=${MAX_SESSION_TIMEOUT_MS}`,
    // Per client address, and here everybody is 127.0.0.1.
    'maxClientCnxns=0',
    'admin.enableServer=false',
    '4lw.commands.whitelist=srvr',
    'autopurge.snapRetainCount=3',
    'autopurge.purgeInterval=24',
  ];
  if (members.length > 1) {
    if (login) lines.push(...QUORUM_LOGIN);
    for (const { id, quorumPort, electionPort } of members) {
      lines.push(`server.${id}=127.0.0.1:${quorumPort}:${electionPort}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
