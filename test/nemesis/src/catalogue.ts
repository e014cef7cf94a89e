/** Every fault of the nemesis, in the words of its `--list`. How each is made is in faults/. */

/** What a fault lays hands on; two faults at once share none of it. */
export type Part = 'shorten' | 'redirect' | 'zookeeper' | 'mariadb' | 'redis';

interface FaultDescription {
  readonly what: string;
  readonly touches: readonly Part[];
  /** May go on beside another fault. */
  readonly isCompanion?: true;
}

const CATALOGUE = {
  'kill-shorten': { what: 'SIGKILL of a shorten server, started again', touches: ['shorten'], isCompanion: true },
  'kill-redirect': { what: 'SIGKILL of a redirect server, started again', touches: ['redirect'], isCompanion: true },
  'kill-zookeeper': { what: 'SIGKILL of one ZooKeeper node, every second time the leader', touches: ['zookeeper'] },
  'kill-mariadb': { what: 'SIGKILL of MariaDB, started again', touches: ['mariadb'] },
  'kill-redis': { what: 'SIGKILL of Redis, started again empty', touches: ['redis'], isCompanion: true },
  'freeze-shorten': { what: 'SIGSTOP of a shorten server for a while', touches: ['shorten'], isCompanion: true },
  'freeze-shorten-past-session': {
    what: 'SIGSTOP of a shorten server until ZooKeeper has expired its session',
    touches: ['shorten'],
    isCompanion: true,
  },
  'freeze-redirect': { what: 'SIGSTOP of a redirect server for a while', touches: ['redirect'], isCompanion: true },
  'freeze-zookeeper': { what: 'SIGSTOP of one ZooKeeper node, every second time the leader', touches: ['zookeeper'] },
  'freeze-mariadb': { what: 'SIGSTOP of MariaDB for a while', touches: ['mariadb'] },
  'freeze-redis': { what: 'SIGSTOP of Redis for a while', touches: ['redis'], isCompanion: true },
  'restart-shorten': {
    what: 'SIGTERM of a shorten server, which gives its remainder back, and a start',
    touches: ['shorten'],
    isCompanion: true,
  },
  'kill-worker': { what: 'SIGKILL of a worker of a shorten server', touches: ['shorten'], isCompanion: true },
  'kill-supervisor': {
    what: 'SIGKILL of the supervisor of a shorten server, whose workers end by themselves, and a start',
    touches: ['shorten'],
    isCompanion: true,
  },
  'freeze-worker': { what: 'SIGSTOP of a worker of a shorten server', touches: ['shorten'], isCompanion: true },
  'renew-workers': {
    what: 'SIGUSR2 to a shorten server, which renews its workers, one of them killed meanwhile every second time',
    touches: ['shorten'],
    isCompanion: true,
  },
  'restart-mariadb': { what: 'SIGTERM of MariaDB, and a start', touches: ['mariadb'] },
  'roll-zookeeper': { what: 'SIGTERM and start of every ZooKeeper node, one after another', touches: ['zookeeper'] },
  'down-zookeeper': { what: 'SIGKILL of all ZooKeeper nodes, started again', touches: ['zookeeper'] },
  'cut-zookeeper': { what: 'connections to ZooKeeper reset at a chosen byte of an answer', touches: ['zookeeper'] },
  'cut-mariadb': { what: 'connections to MariaDB reset at a chosen byte of an answer', touches: ['mariadb'] },
  'cut-redis': {
    what: 'connections to Redis reset at a chosen byte of an answer',
    touches: ['redis'],
    isCompanion: true,
  },
  'expire-sessions': {
    what: "the wire to ZooKeeper holds everything back until every server's session has expired",
    touches: ['zookeeper'],
  },
  'wipe-zookeeper': { what: 'all ZooKeeper nodes restarted with empty folders, then repaired', touches: ['zookeeper'] },
  'restore-zookeeper': { what: 'all ZooKeeper nodes set back to an old copy, then repaired', touches: ['zookeeper'] },
  'restore-mariadb': {
    what: 'MariaDB (ledger and links) set back to an old copy, then repaired',
    touches: ['mariadb'],
  },
  'restore-both': {
    what: 'shorten servers killed, ZooKeeper and MariaDB set back to old copies, lakh restore, and a start',
    touches: ['shorten', 'zookeeper', 'mariadb'],
  },
  'skew-clock': {
    what: "a shorten server's clock an hour ahead, an hour behind, and right again (libfaketime)",
    touches: ['shorten'],
    isCompanion: true,
  },
} as const satisfies Readonly<Record<string, FaultDescription>>;

export type FaultName = keyof typeof CATALOGUE;

export const FAULTS = Object.keys(CATALOGUE) as readonly FaultName[];

export function describeFault(name: FaultName): FaultDescription {
  return CATALOGUE[name];
}

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(CATALOGUE, name);
}
