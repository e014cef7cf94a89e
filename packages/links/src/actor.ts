import { ForbiddenError } from '@lakh/base';

/** To make links, to be told what they are (following one needs none), to change them, to take them down. */
export const RIGHTS = ['create', 'read', 'edit', 'delete'] as const;

/** `admin`: to say who may do what. It is nobody's who was not given it by name. */
export type Right = (typeof RIGHTS)[number] | 'admin';

/** Who asks, and what they may do. A face tells callers apart; a use case that writes is given the actor and looks at nothing else. */
export interface Actor {
  readonly kind: 'anonymous' | 'token' | 'key';
  /** The token's or the key's; empty for the anonymous. */
  readonly name: string;
  readonly rights: readonly Right[];
  /** Whose the links are that it creates: visible ASCII, at most {@link OWNER_MAX_LENGTH}; empty for the anonymous. */
  readonly owner: string;
  /** Only links of its owner; all where it is left out. */
  readonly reach?: 'own';
}

export const OWNER_MAX_LENGTH = 128;

/** Whoever reaches the listener. To be made once: one for each request would be garbage on the hot path of creates. */
export function anonymous(rights: readonly Right[]): Actor {
  return Object.freeze({ kind: 'anonymous', name: '', rights, owner: '' });
}

/** Who has the token of this name. To be made once, too. */
export function tokenHolder(name: string, rights: readonly Right[] = RIGHTS): Actor {
  return Object.freeze({ kind: 'token', name, rights, owner: name });
}

const DEED = {
  create: 'Creating links',
  read: 'Looking links up',
  edit: 'Changing links',
  delete: 'Deleting',
  admin: 'Administering keys',
} as const;

/** @throws ForbiddenError */
export function demand(right: Right, { kind, rights }: Actor): void {
  if (rights.includes(right)) return;
  if (kind === 'token') throw new ForbiddenError(`${DEED[right]} is not among the rights of this API token.`);
  if (kind === 'key') throw new ForbiddenError(`${DEED[right]} is not among the scopes of this API key.`);
  throw new ForbiddenError(`${DEED[right]} needs an API key or token, and this server has none configured.`);
}
