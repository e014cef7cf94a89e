import { randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createOperations, OPERATIONS, type OperationName } from '@lakh/operations';
import type { ProgramContext } from '@lakh/process';
import type { Embedded } from '@lakh/sqlite';
import type { StandaloneSettings } from './config.js';

/**
 * A lease of this process takes milliseconds from its mark to its row. It need not wait for older attempts: no process outlives the
 * restore of the file that it has open.
 */
const SETTLE_MS = 200;

/** What `lakh` asks of this server while it holds the data file: `/ops/…` on the admin listener. */
export function addOperations(context: ProgramContext<StandaloneSettings>, embedded: Embedded): void {
  const { settings, log, serverId } = context;
  const { namespace, sealedKeys } = settings;
  const processStartMs = Math.round(performance.timeOrigin);
  const operations = createOperations({
    namespace,
    system: realpathSync(embedded.file),
    // The database's namespace was compared with the setting before: it is the one that feeds links.
    ...embedded.admin(namespace, true),
    remainders: embedded.remainderStore(namespace),
    sealedKeys: sealedKeys ?? [],
    operator: {
      serverId,
      host: hostname(),
      processStartMs,
      codec: '',
    },
    runningServers: async () => [{ serverId, processStartMs }],
    newClusterId: randomUUID,
    nowMs: Date.now,
    pause: async (ms) => {
      await sleep(ms);
    },
    settleMs: SETTLE_MS,
  });
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
