import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '@lakh/backend';
import { OPERATIONS, type OperationName } from '@lakh/operations';
import type { ProgramContext, ServerSettings } from '@lakh/process';
import { type OperatorOptions, operationsOn } from './operations-on.js';

/** What `lakh` asks of this server while it holds the data file: `/ops/…` on the admin listener. */
export async function serveOperations(
  context: ProgramContext<ServerSettings & OperatorOptions['settings']>,
  backend: Backend,
): Promise<void> {
  const { settings, log, serverId } = context;
  const operations = await operationsOn(backend, { settings, serverId, pause: async (ms) => void (await sleep(ms)) });
  for (const [name, kind] of Object.entries(OPERATIONS)) {
    const writes = kind === 'writes';
    // An operation checks what it is given: it came over the wire.
    const run = operations[name as OperationName] as (argument: unknown) => Promise<unknown>;
    context.addOperation(name, {
      writes,
      run: async (argument) => {
        const answer = await run(argument);
        if (writes) log.info({ operation: name, answer }, 'an operator’s command was answered');
        return answer;
      },
    });
  }
}
