import { WrongStateError } from '../errors.js';
import { ensurePackages } from '../install.js';
import { createLakhDatabase } from '../servers/mariadb.js';
import { endAll } from './down.js';
import { type LayoutOptions, layOut } from './layout.js';
import { publicUrl, recordsOf } from './plans.js';
import { groupMembers, isAlive } from './processes.js';
import { databaseAccounts, MIGRATE_SHARDS_FILE, SHARDS_FILE, saveSettings, writeSecret } from './secrets.js';
import type { Session } from './session.js';
import { readState, writeState } from './state.js';
import { throwIfInterrupted, together } from './together.js';

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
  const { serverSettings, gatewayRatePerS, nodeOptions } = context.settings;
  saveSettings(context.dir, { serverSettings, gatewayRatePerS, ...(nodeOptions === undefined ? {} : { nodeOptions }) });
  const accounts = databaseAccounts(context.dir);
  const database = `127.0.0.1:${recordsOf(state, 'mysql')[0]?.port}/lakh`;
  writeSecret(context.dir, SHARDS_FILE, `mysql://lakh:${accounts.password}@${database}\n`);
  writeSecret(context.dir, MIGRATE_SHARDS_FILE, `mysql://lakh_migrate:${accounts.migratePassword}@${database}\n`);

  try {
    await together(
      options.signal,
      async (start) => {
        for (const record of [...recordsOf(state, 'zookeeper'), ...recordsOf(state, 'redis')]) start(record);
        for (const record of recordsOf(state, 'mysql')) {
          start(record, () => createLakhDatabase(session.plan(record), accounts));
        }
      },
      session,
    );
    await together(
      options.signal,
      async (start) => {
        for (const record of [...recordsOf(state, 'shorten'), ...recordsOf(state, 'redirect')]) start(record);
      },
      session,
    );
    await together(
      options.signal,
      async (start) => {
        for (const record of recordsOf(state, 'gateway')) start(record);
      },
      session,
    );
  } catch (error) {
    report('stopping what was started');
    await endAll(session, options.hurry);
    throw error;
  }
  report(`everything is up in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return { url: publicUrl(state) };
}
