import { WrongStateError } from '../errors.js';
import { ensurePackages } from '../install.js';
import { createLakhDatabase } from '../servers/mariadb.js';
import type { ServerRole } from '../servers/server.js';
import { endAll } from './down.js';
import { closeEnsemble } from './ensemble.js';
import { type LayoutOptions, layOut } from './layout.js';
import { migrateDatabase } from './migrate.js';
import { addressesOf, type Detours, publicUrl, recordsOf, redisAddress, tokenLines, zookeeperAuth } from './plans.js';
import { groupMembers, isAlive } from './processes.js';
import {
  DATABASE_FILE,
  MIGRATE_DATABASE_FILE,
  REDIS_FILE,
  saveSettings,
  stackPasswords,
  TOKENS_FILE,
  writeSecret,
  ZOOKEEPER_AUTH_FILE,
} from './secrets.js';
import type { Session } from './session.js';
import { type ProcessRecord, readState, writeState } from './state.js';
import { type StartStep, throwIfInterrupted, together } from './together.js';

export interface UpOptions extends LayoutOptions {
  /** Ends what has been started, and rejects. */
  readonly signal?: AbortSignal;
  /** Ends it at once. */
  readonly hurry?: AbortSignal;
}

/** The verb `up`, with the stack's lock held. */
export async function upStack(session: Session, options: UpOptions): Promise<{ readonly url: string }> {
  const { context, report } = session;
  const started = performance.now();
  const before = readState(context.dir);
  const running = before?.processes.filter(
    ({ name, process }) => process && (isAlive(process) || groupMembers(process, session.folderOf(name)).length > 0),
  );
  if (running !== undefined && running.length > 0) {
    throw new WrongStateError(
      `${running.map(({ name }) => name).join(', ')} already run in ${context.dir}: use start, scale or down`,
    );
  }
  await ensurePackages(['zookeeper', 'mariadb', 'redis', 'nginx'], { settings: context.settings, report });
  throwIfInterrupted(options.signal);

  const state = await layOut(before, options);
  writeState(context.dir, state);
  const { serverSettings, gatewayRatePerS, gatewayRequests, nodeOptions } = context.settings;
  saveSettings(context.dir, {
    ...{ serverSettings, gatewayRatePerS, gatewayRequests },
    ...(nodeOptions === undefined ? {} : { nodeOptions }),
  });
  const accounts = stackPasswords(context.dir);
  const database = (detours?: Detours): string => `${addressesOf(state, 'mysql', detours)[0]}/lakh`;
  writeSecret(context.dir, DATABASE_FILE, `mysql://lakh:${accounts.password}@${database(context.detours)}\n`);
  writeSecret(context.dir, MIGRATE_DATABASE_FILE, `mysql://lakh_migrate:${accounts.migratePassword}@${database()}\n`);

  writeSecret(context.dir, REDIS_FILE, `${redisAddress(context, state)}\n`);
  writeSecret(context.dir, TOKENS_FILE, tokenLines(context));
  writeSecret(context.dir, ZOOKEEPER_AUTH_FILE, `${zookeeperAuth(context)}\n`);

  try {
    const roles = (...wanted: readonly ServerRole[]): StartStep[] =>
      wanted.flatMap((role) => recordsOf(state, role)).map((record) => ({ record }));
    const prepareDatabase = async (record: ProcessRecord, migrating: AbortSignal): Promise<void> => {
      await createLakhDatabase(session.plan(record), accounts);
      if (serverSettings.LAKH_MIGRATE !== 'never') await migrateDatabase(context, migrating);
    };
    const databases = recordsOf(state, 'mysql').map(
      (record): StartStep => ({ record, whenReady: (migrating) => prepareDatabase(record, migrating) }),
    );
    await together(session, [...roles('zookeeper', 'redis'), ...databases], options.signal);
    await closeEnsemble(context, state);
    await together(session, roles('shorten', 'redirect'), options.signal);
    await together(session, roles('gateway'), options.signal);
  } catch (error) {
    report('stopping what was started');
    await endAll(session, options.hurry);
    throw error;
  }
  report(`everything is up in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return { url: publicUrl(state) };
}
