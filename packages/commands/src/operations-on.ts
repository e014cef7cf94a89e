import { randomUUID } from 'node:crypto';
import type { Backend } from '@lakh/backend';
import { createOperations, type Operations } from '@lakh/operations';
import { thisProcess } from '@lakh/process';
import type { SealedKey } from '@lakh/short-code';

export interface OperatorOptions {
  readonly settings: { readonly namespace: string; readonly sealedKeys: readonly SealedKey[] | undefined };
  /** Who is on record as having done it. */
  readonly serverId: string;
  readonly pause: (ms: number) => Promise<void>;
}

/** What an operator does, on a backend that this process has open. */
export async function operationsOn(
  backend: Backend,
  { settings: { namespace, sealedKeys }, serverId, pause }: OperatorOptions,
): Promise<Operations> {
  return createOperations({
    ...(await backend.admin()),
    namespace,
    system: backend.name,
    sealedKeys: sealedKeys ?? [],
    operator: { ...thisProcess(serverId), codec: '' },
    newClusterId: randomUUID,
    nowMs: Date.now,
    pause,
  });
}
