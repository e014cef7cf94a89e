import { type KeyView, OVERLAP_MAX_S } from '@lakh/accounts';
import { columns } from '@lakh/base';
import { SettingsError } from '@lakh/settings';
import type { Invocation } from './args.js';
import type { SystemOperations } from './operations-on.js';

interface Answered {
  readonly answer: unknown;
  readonly text: string;
}

/** What `lakh key …` answers. */
export async function keyCommand(invocation: Invocation, operations: SystemOperations): Promise<Answered> {
  const { command, argument, texts } = invocation;
  switch (command) {
    case 'key create': {
      const [scopes, expiresAt] = [texts.get('scopes')?.split(','), texts.get('expires')];
      const [owner, reach] = [texts.get('owner'), texts.get('reach')];
      const answer = await operations.keyCreate({ name: argument, owner, scopes, reach, expiresAt });
      return { answer, text: `${answer.text}\n` };
    }
    case 'key rotate': {
      const answer = await operations.keyRotate({ key: argument, ...overlapOf(invocation) });
      return { answer, text: `${answer.text}\n` };
    }
    case 'key revoke': {
      const answer = await operations.keyRevoke({ key: argument });
      return { answer, text: `${answer.id} (${answer.name}) lets nobody in any more; servers know within seconds\n` };
    }
    default: {
      const answer = await operations.keyList();
      return { answer, text: answer.length === 0 ? 'no keys\n' : renderKeys(answer) };
    }
  }
}

function overlapOf({ flags, counts }: Invocation): { readonly overlapS?: number } {
  const overlapS = counts.get('overlap');
  if (flags.has('now')) {
    if (overlapS !== undefined) throw new SettingsError(['--now is an overlap of nothing: leave one of the two out']);
    return { overlapS: 0 };
  }
  if (overlapS === undefined) return {};
  if (overlapS > OVERLAP_MAX_S) throw new SettingsError([`--overlap is ${OVERLAP_MAX_S} seconds at most`]);
  return { overlapS };
}

function renderKeys(keys: readonly KeyView[]): string {
  const day = (ms: number | null, none: string) => (ms === null ? none : new Date(ms).toISOString().slice(0, 16));
  const stateOf = ({ isValid, revokedAtMs }: KeyView) =>
    isValid ? 'valid' : revokedAtMs === null ? 'ended' : 'revoked';
  const rows = keys.map((key) => [
    ...[key.id, key.name, key.owner, stateOf(key), key.scopes.join(','), key.reach],
    ...[day(key.createdAtMs, ''), day(key.expiresAtMs, 'never'), day(key.lastUsedAtMs, 'never')],
  ]);
  const head = ['id', 'name', 'owner', 'state', 'scopes', 'reach', 'made', 'ends', 'last used'];
  return `${columns([head, ...rows]).join('\n')}\n`;
}
