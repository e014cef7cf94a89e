import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '@lakh/backend';
import {
  DoorNotPrivateError,
  type Operation,
  openOperations,
  type ProgramContext,
  type ServerSettings,
} from '@lakh/process';
import { type OperatorOptions, operationsOn, SYSTEM_OPERATIONS, type SystemOperations } from './operations-on.js';

/** Where the server that holds a data folder's file tells how it is asked. */
export function doorIn(dataDir: string): string {
  return join(dataDir, 'operations.json');
}

/** What `lakh` asks of this server while it holds the data file. */
export async function serveOperations(
  context: ProgramContext<ServerSettings & OperatorOptions['settings'] & { readonly dataDir: string }>,
  backend: Backend,
): Promise<void> {
  const { settings, log, serverId, lifecycle } = context;
  const commands = await operationsOn(backend, { settings, serverId, pause: async (ms) => void (await sleep(ms)) });
  const operations = new Map<string, Operation>();
  for (const [name, kind] of Object.entries(SYSTEM_OPERATIONS)) {
    // An operation checks what it is given: it came over the wire.
    const run = commands[name as keyof SystemOperations] as Operation;
    operations.set(name, async (argument) => {
      const answer = await run(argument);
      if (kind === 'writes') log.info({ operation: name, answer }, 'an operator’s command was answered');
      if (kind === 'writes a secret') log.info({ operation: name }, 'an operator’s command was answered');
      return answer;
    });
  }
  try {
    const close = await openOperations({
      operations,
      door: doorIn(settings.dataDir),
      onError: (error) => log.error({ err: error }, 'an operator’s command failed'),
    });
    lifecycle.onStop('operations', close);
  } catch (error) {
    if (!(error instanceof DoorNotPrivateError)) throw error;
    log.warn({ err: error }, 'the lakh command can be used only while this server is stopped');
  }
}
