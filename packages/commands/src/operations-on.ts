import { randomUUID } from 'node:crypto';
import { createKeyOperations, createKeys, KEY_OPERATIONS, type KeyOperations } from '@lakh/accounts';
import { keyCrypto } from '@lakh/api';
import type { Backend } from '@lakh/backend';
import { createOperations, OPERATIONS, type Operations } from '@lakh/operations';
import { thisProcess } from '@lakh/process';
import type { SealedKey } from '@lakh/short-code';

export interface OperatorOptions {
  readonly settings: { readonly namespace: string; readonly sealedKeys: readonly SealedKey[] | undefined };
  /** Who is on record as having done it. */
  readonly serverId: string;
  readonly pause: (ms: number) => Promise<void>;
}

/** Everything that an operator does to a system. */
export type SystemOperations = Operations & KeyOperations;

export const SYSTEM_OPERATIONS = { ...OPERATIONS, ...KEY_OPERATIONS };

/** What an operator does, on a backend that this process has open. */
export async function operationsOn(
  backend: Backend,
  { settings: { namespace, sealedKeys }, serverId, pause }: OperatorOptions,
): Promise<SystemOperations> {
  const clock = { nowMs: Date.now };
  const keys = createKeys({ facts: backend.facts, clock, crypto: keyCrypto });
  const operations = createOperations({
    ...(await backend.admin()),
    namespace,
    system: backend.name,
    sealedKeys: sealedKeys ?? [],
    operator: { ...thisProcess(serverId), codec: '' },
    newClusterId: randomUUID,
    nowMs: Date.now,
    pause,
  });
  return { ...operations, ...createKeyOperations(keys) };
}
