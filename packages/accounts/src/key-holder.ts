import type { Actor } from '@lakh/links';
import { type ApiKey, RIGHT_OF } from './api-key.js';

const holders = new WeakMap<ApiKey, Actor>();

/** Who has this key, one and the same as long as the key is. */
export function keyHolder(key: ApiKey): Actor {
  const known = holders.get(key);
  if (known !== undefined) return known;
  const holder: Actor = Object.freeze({
    ...(key.reach === 'own' ? { reach: 'own' as const } : {}),
    owner: key.owner,
    kind: 'key',
    name: key.name,
    rights: key.scopes.map((scope) => RIGHT_OF[scope]),
  });
  holders.set(key, holder);
  return holder;
}
