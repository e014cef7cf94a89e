import type { KeyRequest } from './key-request.js';
import type { Keys, KeyView, NewKey } from './keys.js';

/** What an operator does to keys where they are kept. Arguments and answers are plain JSON. */
export interface KeyOperations {
  keyList(): Promise<readonly KeyView[]>;
  keyCreate(request: KeyRequest): Promise<NewKey>;
  keyRotate(options: { readonly key: string; readonly overlapS?: number }): Promise<NewKey>;
  keyRevoke(options: { readonly key: string }): Promise<KeyView>;
}

/** Whether a call may change something, and whether its answer is for nobody's log. */
export const KEY_OPERATIONS: Readonly<Record<keyof KeyOperations, 'reads' | 'writes' | 'writes a secret'>> = {
  keyList: 'reads',
  keyCreate: 'writes a secret',
  keyRotate: 'writes a secret',
  keyRevoke: 'writes',
};

export function createKeyOperations(keys: Keys): KeyOperations {
  return {
    keyList: () => keys.list(),
    keyCreate: (request) => keys.create(request),
    keyRotate: ({ key, overlapS }) => keys.rotate(String(key), overlapS),
    keyRevoke: ({ key }) => keys.revoke(String(key)),
  };
}
