import { randomUUID } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NAMESPACE_FACT } from '@lakh/facts';
import {
  createMysqlCounterWitness,
  createMysqlInspector,
  createMysqlLedgerAdmin,
  Pool,
  parseDatabase,
} from '@lakh/mysql';
import { createOperations, type Operations, type OperationsPorts } from '@lakh/operations';
import { formatAddress, SettingsError } from '@lakh/settings';
import { DataDirInUseError, openEmbedded } from '@lakh/sqlite';
import {
  createZookeeperMarkAdmin,
  createZookeeperRemainderStore,
  createZookeeperSession,
  parseZookeeperAddress,
  registeredServers,
} from '@lakh/zookeeper';
import { DataFileMissingError } from './errors.js';
import { remoteOperations, systemAt } from './remote.js';
import type { CommandSettings } from './settings.js';

export interface OpenSystem {
  readonly operations: Operations;
  close(): Promise<void>;
}

const DATA_FILE = 'lakh.db';
/** Nobody else works on a data file that this process has opened. */
const FILE_SETTLE_MS = 0;
/** A repair waits for longer than an attempt may take by this much: clocks run at rates that differ by far less. */
const SETTLE_FACTOR = 1.1;

export interface OpenOptions {
  /** A data file may be made where there is none. */
  readonly makes: boolean;
  /** Told of what takes a while, a line at a time. */
  readonly tell: (progress: string) => Promise<void>;
}

/** A pause that is shorter is not worth a word. */
const TOLD_PAUSE_MS = 1_000;

/**
 * The system that the settings name.
 *
 * @throws SettingsError: half of a distributed system is named
 * @throws DataFileMissingError, DataDirInUseError and the other errors of opening a data file
 */
export async function openSystem(settings: CommandSettings, { makes, tell }: OpenOptions): Promise<OpenSystem> {
  const { zookeeper, shards } = settings;
  if (zookeeper !== undefined && shards !== undefined) return openDistributed(settings, zookeeper, shards, tell);
  if (zookeeper !== undefined || shards !== undefined) {
    const [given, missing] =
      shards === undefined ? ['LAKH_ZOOKEEPER', 'LAKH_SHARDS'] : ['LAKH_SHARDS', 'LAKH_ZOOKEEPER'];
    throw new SettingsError([
      `${given} is set and ${missing} is not: this command needs both, or neither for a data file`,
    ]);
  }
  return openFile(settings, makes, tell);
}

function commonPorts(settings: CommandSettings, tell: OpenOptions['tell']) {
  return {
    namespace: settings.namespace,
    sealedKeys: settings.sealedKeys ?? [],
    operator: {
      serverId: 'lakh',
      host: hostname(),
      processStartMs: Math.round(performance.timeOrigin),
      codec: '',
    },
    newClusterId: randomUUID,
    nowMs: Date.now,
    pause: async (ms: number) => {
      if (ms >= TOLD_PAUSE_MS) {
        await tell(`waiting ${Math.ceil(ms / 1000)} s, until no lease attempt that began before this goes on …`);
      }
      await sleep(ms);
    },
  } satisfies Partial<OperationsPorts>;
}

async function openDistributed(
  settings: CommandSettings,
  zookeeper: string,
  shardsText: string,
  tell: OpenOptions['tell'],
): Promise<OpenSystem> {
  const { namespace, storeDeadlineMs, leaseDeadlineMs, leaseAttemptMs, zookeeperAuth } = settings;
  const common = commonPorts(settings, tell);
  const pool = new Pool(parseDatabase(shardsText), { deadlineMs: storeDeadlineMs });
  const session = createZookeeperSession({
    ...parseZookeeperAddress(zookeeper),
    deadlineMs: leaseDeadlineMs,
    ...(zookeeperAuth === undefined ? {} : { auth: { scheme: 'digest' as const, credential: zookeeperAuth } }),
  });
  const close = async (): Promise<void> => {
    await session.close();
    pool.close();
  };
  try {
    const links = createMysqlInspector(pool);
    const recorded = await links.setting(NAMESPACE_FACT);
    const inZookeeper = { namespace, connectWaitMs: leaseDeadlineMs };
    const operations = createOperations({
      ...common,
      system: `${zookeeper} and ${pool.name}, namespace ${namespace}`,
      marks: createZookeeperMarkAdmin(session, inZookeeper),
      remainders: createZookeeperRemainderStore(session, inZookeeper),
      ledger: createMysqlLedgerAdmin({ pool, namespace }),
      counters: createMysqlCounterWitness(pool, recorded === undefined || recorded === namespace),
      links,
      runningServers: () => registeredServers(session, inZookeeper),
      settleMs: Math.ceil(leaseAttemptMs * SETTLE_FACTOR),
    });
    return { operations, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openFile(settings: CommandSettings, makes: boolean, tell: OpenOptions['tell']): Promise<OpenSystem> {
  const { adminListen, dataDir, namespace } = settings;
  const file = join(resolve(dataDir), DATA_FILE);
  if (!existsSync(file) && !makes) {
    throw new DataFileMissingError(
      `there is no data file ${file}: set LAKH_DATA_DIR to the server's, or LAKH_ZOOKEEPER and LAKH_SHARDS`,
    );
  }
  const url = `http://${formatAddress(adminListen)}`;
  const running = adminListen.port === 0 || !existsSync(file) ? undefined : await systemAt(url);
  if (running !== undefined && running === realpathSync(file)) {
    return { operations: remoteOperations(url), close: async () => {} };
  }
  const common = commonPorts(settings, tell);
  const embedded = openWithAdvice(file, url, running);
  const close = async (): Promise<void> => embedded.close();
  try {
    const recorded = await embedded.admin(namespace, false).links.setting(NAMESPACE_FACT);
    const feedsLinks = recorded === undefined || recorded === namespace;
    const operations = createOperations({
      ...common,
      ...embedded.admin(namespace, feedsLinks),
      remainders: embedded.remainderStore(namespace),
      // Nobody else has the file open.
      runningServers: async () => [],
      system: file,
      settleMs: FILE_SETTLE_MS,
    });
    return { operations, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A file that is in use by somebody who did not answer at LAKH_ADMIN_LISTEN: says where to look. */
function openWithAdvice(file: string, url: string, running: string | undefined): ReturnType<typeof openEmbedded> {
  try {
    return openEmbedded({ file });
  } catch (error) {
    if (!(error instanceof DataDirInUseError)) throw error;
    const found =
      running === undefined ? `no server of Lakh answers at ${url}` : `the server at ${url} works on ${running}`;
    throw new DataDirInUseError(
      `${file} is in use by another process, and ${found}: set LAKH_ADMIN_LISTEN to that process's admin listener, or stop it`,
      { cause: error },
    );
  }
}
