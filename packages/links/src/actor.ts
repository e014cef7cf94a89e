import { ForbiddenError } from '@lakh/base';

export type Right = 'create' | 'delete';

/** Who asks, and what they may do. A face tells callers apart; a use case that writes is given the actor and looks at nothing else. */
export interface Actor {
  readonly kind: 'anonymous' | 'token';
  /** The token's; empty for the anonymous. */
  readonly name: string;
  readonly rights: readonly Right[];
}

/** Whoever reaches the listener. To be made once: one for each request would be garbage on the hot path of creates. */
export function anonymous(rights: readonly Right[]): Actor {
  return Object.freeze({ kind: 'anonymous', name: '', rights });
}

/** Who has the token of this name. To be made once, too. */
export function tokenHolder(name: string): Actor {
  return Object.freeze({ kind: 'token', name, rights: ['create', 'delete'] as const });
}

const DEED = { create: 'Creating links', delete: 'Deleting' } as const;

/** @throws ForbiddenError */
export function demand(right: Right, { rights }: Actor): void {
  if (rights.includes(right)) return;
  throw new ForbiddenError(`${DEED[right]} needs an API token, and this server has none configured.`);
}
