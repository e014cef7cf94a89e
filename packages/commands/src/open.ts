import { existsSync, realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Backend, DataDirInUseError, dataFileIn, openFile } from '@lakh/backend';
import { readDoor } from '@lakh/process';
import { SettingsError } from '@lakh/settings';
import { DataFileMissingError } from './errors.js';
import { operationsOn, type SystemOperations } from './operations-on.js';
import { remoteOperations, systemBehind } from './remote.js';
import { doorIn } from './serve.js';
import type { CommandSettings } from './settings.js';

export interface OpenSystem {
  readonly operations: SystemOperations;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** A data file may be made where there is none. */
  readonly makes: boolean;
  /** A data file that is refused until it was restored is opened. */
  readonly restores: boolean;
  /** The system is not to be guessed where there may be two. */
  readonly changes: boolean;
  /** Told which system it is, and of what takes a while, a line at a time. */
  readonly tell: (progress: string) => Promise<void>;
}

/** A pause that is shorter is not worth a word. */
const TOLD_PAUSE_MS = 1_000;

const DEFAULT_DIR = './data';
/** Where `npm run stack` keeps a stack that nobody gave another folder. */
const STACK = '.stack/state.json';
const STACK_SETTINGS = 'set what npm run stack -- env prints';

/**
 * The system that the settings name.
 *
 * @throws SettingsError: half of a distributed system is named; or something is to be changed, and two systems may be meant
 * @throws DataFileMissingError, DataDirInUseError and the other errors of opening a data file
 */
export async function openSystem(
  settings: CommandSettings,
  { makes, restores, changes, tell }: OpenOptions,
): Promise<OpenSystem> {
  const { zookeeper, database, leaseDeadlineMs, dataDir = DEFAULT_DIR } = settings;
  if (changes) requireOne(settings);
  if (zookeeper !== undefined && database !== undefined) {
    const { openCluster } = await import('@lakh/backend/cluster');
    const backend = openCluster({
      settings: { ...settings, zookeeper, database },
      zookeeperDeadlineMs: leaseDeadlineMs,
    });
    return systemOn(backend, settings, tell);
  }
  if (zookeeper !== undefined || database !== undefined) {
    const [given, missing] =
      database === undefined ? ['LAKH_ZOOKEEPER', 'LAKH_DATABASE'] : ['LAKH_DATABASE', 'LAKH_ZOOKEEPER'];
    throw new SettingsError([
      `${given} is set and ${missing} is not: this command needs both, or neither for a data file`,
    ]);
  }
  const file = dataFileIn(dataDir);
  if (!existsSync(file) && !makes) {
    const stack = existsSync(STACK) ? `; for the stack in ./.stack ${STACK_SETTINGS}` : '';
    throw new DataFileMissingError(
      `there is no data file ${file}: set LAKH_DATA_DIR to the server's, or LAKH_ZOOKEEPER and LAKH_DATABASE${stack}`,
    );
  }
  try {
    return await systemOn(openFile({ settings: { ...settings, dataDir }, takesCopy: restores }), settings, tell);
  } catch (error) {
    if (!(error instanceof DataDirInUseError)) throw error;
    const system = await askHolder(file, doorIn(dataDir), error);
    await tell(`this is ${realpathSync(file)}, by the server that has it open`);
    return system;
  }
}

/** What is changed for good is named where two systems are at hand. */
function requireOne({ zookeeper, database, dataDir }: CommandSettings): void {
  const isCluster = zookeeper !== undefined || database !== undefined;
  if (isCluster && dataDir !== undefined) {
    throw new SettingsError([
      `LAKH_DATA_DIR=${dataDir} is one system, ${zookeeper === undefined ? 'LAKH_DATABASE' : 'LAKH_ZOOKEEPER'} another: unset what is not to be changed`,
    ]);
  }
  if (!isCluster && dataDir === undefined && existsSync(STACK)) {
    throw new SettingsError([
      `nothing says which system is to be changed, and there is a stack in ./.stack: ${STACK_SETTINGS} for it, or LAKH_DATA_DIR=${DEFAULT_DIR}`,
    ]);
  }
}

/** Of a file that another process holds: by that process, if it is a server. */
async function askHolder(file: string, doorFile: string, error: DataDirInUseError): Promise<OpenSystem> {
  const door = readDoor(doorFile);
  const system = door && (await systemBehind(door));
  // A door that came with a copy of the folder leads to the server of the original.
  if (door && system === realpathSync(file)) return { operations: remoteOperations(door), close: async () => {} };
  throw new DataDirInUseError(
    `${file} is in use by another process, and ${door ? `the server that ${doorFile} tells of is not it` : `no server tells in ${doorFile} how it is asked`}: if it is just starting, try again; else stop it`,
    { cause: error },
  );
}

async function systemOn(backend: Backend, settings: CommandSettings, tell: OpenOptions['tell']): Promise<OpenSystem> {
  const pause = async (ms: number): Promise<void> => {
    if (ms >= TOLD_PAUSE_MS) {
      await tell(`waiting ${Math.ceil(ms / 1000)} s, until no lease attempt that began before this goes on …`);
    }
    await sleep(ms);
  };
  try {
    await tell(`this is ${backend.name}`);
    const operations = await operationsOn(backend, { settings, serverId: 'lakh', pause });
    return { operations, close: () => backend.close() };
  } catch (error) {
    await backend.close();
    throw error;
  }
}
