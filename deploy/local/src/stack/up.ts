import { WrongStateError } from '../errors.js';
import { ensurePackages } from '../install.js';
import type { ServerRole } from '../servers/server.js';
import { requireVitess } from '../vitess/binaries.js';
import { databaseSteps, openFolderFor, writeDatabaseSecrets } from './database.js';
import { endAll } from './down.js';
import { closeEnsemble } from './ensemble.js';
import { type LayoutOptions, layOut } from './layout.js';
import { publicUrl, tokenLines, zookeeperAuth } from './plans.js';
import { groupMembers, isAlive } from './processes.js';
import { redisSteps } from './redis.js';
import { redisAddress } from './redis-plan.js';
import { REDIS_FILE, saveSettings, TOKENS_FILE, writeSecret, ZOOKEEPER_AUTH_FILE } from './secrets.js';
import type { Session } from './session.js';
import { databaseKind, readState, recordsOf, writeState } from './state.js';
import { type StartStep, throwIfInterrupted, together } from './together.js';
import { startVitess } from './vitess-servers.js';

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
  const isVitess = (options.db ?? databaseKind(before ?? {})) === 'vitess';
  const vitess = isVitess ? { vitess: await requireVitess(context.settings, report) } : {};
  const state = await layOut(before, { ...options, ...vitess });
  const galera = databaseKind(state) === 'galera' ? (['galera'] as const) : [];
  await ensurePackages(['zookeeper', 'mariadb', ...galera, 'redis', 'nginx'], { settings: context.settings, report });
  throwIfInterrupted(options.signal);
  openFolderFor(state, context.dir);
  writeState(context.dir, state);
  const { serverSettings, gatewayRatePerS, gatewayRequests, nodeOptions } = context.settings;
  saveSettings(context.dir, {
    ...{ serverSettings, gatewayRatePerS, gatewayRequests },
    ...(nodeOptions === undefined ? {} : { nodeOptions }),
  });
  writeDatabaseSecrets(session, state);
  writeSecret(context.dir, REDIS_FILE, `${redisAddress(context.dir, state, context.detours.portOf)}\n`);
  writeSecret(context.dir, TOKENS_FILE, tokenLines(context));
  writeSecret(context.dir, ZOOKEEPER_AUTH_FILE, `${zookeeperAuth(context)}\n`);

  try {
    const roles = (...wanted: readonly ServerRole[]): StartStep[] =>
      wanted.flatMap((role) => recordsOf(state, role)).map((record) => ({ record }));
    const databases = await databaseSteps(session, serverSettings.LAKH_MIGRATE !== 'never');
    await together(session, [...roles('zookeeper'), ...redisSteps(session), ...databases], options.signal);
    await closeEnsemble(context, state);
    if (isVitess) await startVitess(session, serverSettings.LAKH_MIGRATE !== 'never', options.signal);
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
