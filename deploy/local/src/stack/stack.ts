import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { type LocalSettings, readSettings } from '../config.js';
import { StopFailedError, UsageError, WrongStateError } from '../errors.js';
import { zookeeperRuns } from '../servers/zookeeper.js';
import { inStartOrder, settleServer } from './database.js';
import { type DownOptions, downStack } from './down.js';
import { type Detours, environmentOf, publicUrl, zookeeperAddress, zookeeperAuth } from './plans.js';
import { makePrivateFolder, requireOwnFolder } from './private-folder.js';
import { awaitGone, isAlive, signalGroup, signalOne } from './processes.js';
import { promoteServer } from './promote.js';
import { redisAddress } from './redis-plan.js';
import { restartInTurn } from './restart.js';
import { type ScaleTargets, scaleStack } from './scale.js';
import { DATABASE_FILE, MIGRATE_DATABASE_FILE, secretFile, stackPasswords } from './secrets.js';
import { KILL_DEADLINE_MS, Session } from './session.js';
import { readState, recordsOf } from './state.js';
import { type StackStatus, statusOf } from './status.js';
import { type UpOptions, upStack } from './up.js';
import { reshardStack } from './vitess-servers.js';

export interface StackOptions {
  /** The stack's folder; made by `up`. */
  readonly dir: string;
  /** The repository, whose built services are run. */
  readonly root: string;
  readonly settings?: LocalSettings;
  /** One line of progress; nowhere by default. */
  readonly report?: (line: string) => void;
  /** For tests of faults: what stands between the servers. */
  readonly detours?: Detours;
}

export interface Stack {
  /** Starts everything; resolves when all of it answers, with the gateway's address. On failure stops what it started. */
  up(options?: UpOptions): Promise<{ readonly url: string }>;
  status(): Promise<StackStatus>;
  /** Sends a signal (SIGKILL by default). Of those that end a process, only SIGKILL is awaited. */
  kill(name: string, signal?: NodeJS.Signals): Promise<void>;
  /** Starts exited servers again on their ports and data; resolves when they answer, a ZooKeeper node without a quorum when it waits for one. */
  start(...names: readonly string[]): Promise<void>;
  /** Drains and starts servers again, one of a kind at a time; a name is a process's or a role's. Resolves when all answer. */
  restart(...names: readonly string[]): Promise<void>;
  /** Has a replica take the writes, and the others follow it; the primary from before too, where it answers. */
  promote(name: string): Promise<void>;
  /** Splits the shard of a tablet, or the widest, in two, under load. */
  reshard(name?: string): Promise<void>;
  /** Adds servers, or drains and removes the last ones; the gateway follows. Resolves when both is done. */
  scale(targets: ScaleTargets): Promise<void>;
  /** Ends everything; with `wipe` also removes what the stack wrote. Harmless when nothing runs. */
  down(options?: DownOptions): Promise<void>;
  /** Names and process ids of what runs, without asking anybody anything. */
  running(): readonly { readonly name: string; readonly pid: number }[];
  logFile(name: string): string;
  /** What a server of it, or `lakh`, would be given, secrets included. */
  environment(): Readonly<Record<string, string>>;
  /** Where a test or another program finds the servers behind; all but the first two hold passwords, or are files that do. */
  addresses(): {
    readonly url: string;
    readonly zookeeper: string;
    readonly zookeeperAuth: string;
    readonly redis: string;
    /** Of the API, for deletes. */
    readonly token: string;
    readonly databaseFile: string;
    readonly migrateDatabaseFile: string;
  };
}

/** The system on one machine, in `dir`. Several may be open on one folder, in one process or many: they take turns. */
export function openStack(options: StackOptions): Stack {
  const settings = options.settings ?? readSettings();
  const report = options.report ?? (() => {});
  const { root, detours = {} } = options;
  const dir = resolve(options.dir);
  function session(): Session {
    const isThere = existsSync(dir);
    if (isThere) requireOwnFolder(dir);
    // The processes' folders, as the kernel tells them, have no symbolic links in them.
    return new Session({ dir: isThere ? realpathSync(dir) : dir, root, settings, detours }, report);
  }

  async function exclusively(verb: (open: Session) => Promise<void>): Promise<void> {
    const open = session();
    await open.exclusively(() => verb(open));
  }

  return {
    async up(upOptions = {}) {
      makePrivateFolder(dir);
      const open = session();
      return open.exclusively(() => upStack(open, upOptions));
    },

    async status() {
      const open = session();
      return statusOf(open, readState(open.context.dir)?.processes ?? []);
    },

    kill: (name, signal = 'SIGKILL') => killOne(session(), name, signal),

    start: (...names) => startAgain(session(), new Set(names)),

    restart: (...names) => exclusively((open) => restartInTurn(open, names)),

    reshard: (name) => exclusively((open) => reshardStack(open, name)),

    promote: (name) => exclusively((open) => promoteServer(open, name)),

    scale: (targets) => exclusively((open) => scaleStack(open, targets)),

    async down(downOptions = {}) {
      const open = session();
      if (!existsSync(dir) || readState(open.context.dir) === undefined) {
        report(`no stack in ${dir}`);
        return;
      }
      await open.exclusively(() => downStack(open, downOptions));
    },

    running() {
      return (readState(session().context.dir)?.processes ?? []).flatMap(({ name, process }) =>
        process && isAlive(process) ? [{ name, pid: process.pid }] : [],
      );
    },

    logFile(name) {
      const open = session();
      return open.plan(open.record(name)).logFile;
    },

    environment() {
      const open = session();
      return environmentOf(open.context, open.read(), open.saved());
    },

    addresses() {
      const open = session();
      const state = open.read();
      return {
        url: publicUrl(state),
        zookeeper: zookeeperAddress(state),
        zookeeperAuth: zookeeperAuth(open.context),
        redis: redisAddress(open.context.dir, state),
        token: stackPasswords(open.context.dir).token,
        databaseFile: secretFile(open.context.dir, DATABASE_FILE),
        migrateDatabaseFile: secretFile(open.context.dir, MIGRATE_DATABASE_FILE),
      };
    },
  };
}

async function killOne(open: Session, name: string, signal: NodeJS.Signals): Promise<void> {
  const { process: running } = open.record(name);
  if (running === undefined || !isAlive(running)) throw new WrongStateError(`${name} is not running`);
  const processDir = open.folderOf(name);
  open.report(`${name} (pid ${running.pid}): ${signal}`);
  // What cannot be handled reaches the workers as well: a server half frozen or half dead is none of the faults meant.
  if (signal === 'SIGKILL' || signal === 'SIGSTOP' || signal === 'SIGCONT') {
    signalGroup(running, processDir, signal);
    if (signal === 'SIGKILL' && !(await awaitGone(running, processDir, KILL_DEADLINE_MS))) {
      throw new StopFailedError(`${name} (pid ${running.pid}) is still there after SIGKILL`);
    }
    return;
  }
  if (signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGQUIT') await open.mark(name, true);
  signalOne(running, signal);
}

async function startAgain(open: Session, names: ReadonlySet<string>): Promise<void> {
  if (names.size === 0) throw new UsageError('start needs the name of a process');
  const waits = await open.exclusively(async () => {
    const spawned = new Map<string, Awaited<ReturnType<Session['spawn']>>>();
    for (const name of names) await awaitDrained(open, name);
    for (const name of await inStartOrder(open, [...names])) {
      spawned.set(name, await open.spawn(name));
    }
    return [...spawned];
  });
  // Not under the lock: a ZooKeeper node is ready only when enough others have been started too.
  await Promise.all(
    waits.map(async ([name, ready]) => {
      const missing = missingQuorum(open, name);
      if (missing === undefined) {
        await ready();
        await settleServer(open, name);
        open.report(`${name} is ready`);
      } else {
        await ready(undefined, () => zookeeperRuns(open.record(name).port));
        open.report(`${name} is started, and waits for a quorum: ${missing}`);
      }
    }),
  );
}

/** For a node of an ensemble of which too few run to serve: who else could be started. */
function missingQuorum(open: Session, name: string): string | undefined {
  if (open.record(name).role !== 'zookeeper') return undefined;
  const nodes = recordsOf(open.read(), 'zookeeper');
  const down = nodes.filter(({ process }) => process === undefined || !isAlive(process));
  const running = nodes.length - down.length;
  if (running * 2 > nodes.length) return undefined;
  return `${running} of ${nodes.length} nodes run (start ${down.map((node) => node.name).join(' ')})`;
}

/** @throws WrongStateError where the server runs and is not to end */
async function awaitDrained(open: Session, name: string): Promise<void> {
  const record = open.record(name);
  if (record.process === undefined || !isAlive(record.process)) return;
  const { pid } = record.process;
  if (!record.isDraining) throw new WrongStateError(`${name} runs already (pid ${pid})`);
  open.report(`${name} is draining; waiting for its end`);
  if (!(await awaitGone(record.process, open.folderOf(name), open.drainBoundMs(record)))) {
    throw new WrongStateError(`${name} (pid ${pid}) has not ended yet`);
  }
}
