import {
  createKeys,
  InvalidKeyRequestError,
  type KeyRequest,
  type KeyView,
  type NewKey,
  validateKey,
} from '@lakh/accounts';
import type { FactStore } from '@lakh/facts';
import {
  type Face,
  InvalidRequestError,
  NotFoundError,
  type RouteRequest,
  type RouteResponse,
  securityHeaders,
} from '@lakh/http';
import { type Actor, type Clock, demand, type FieldProblem } from '@lakh/links';
import type { Logger } from '@lakh/process';
import { type CallerOptions, createCallers } from '../callers.js';
import { unknownFields } from '../link-request.js';
import { keyCrypto } from './key-crypto.js';
import { keyRoutes } from './key-routes.js';

export interface KeysApiOptions extends CallerOptions {
  /** Whether keys let anybody in here. */
  readonly isOn: boolean;
  readonly facts: FactStore;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info'>;
}

const FIELDS_OF_CREATE: ReadonlySet<string> = new Set(['name', 'owner', 'scopes', 'reach', 'expires_at']);
const FIELDS_OF_ROTATE: ReadonlySet<string> = new Set(['overlap_s']);

/** `/api/v1/keys`: make, list, renew and revoke API keys. */
export function createKeysApi({ isOn, facts, clock, log, ...others }: KeysApiOptions): Face<typeof keyRoutes> {
  const keys = createKeys({ facts, clock, crypto: keyCrypto });
  const callers = createCallers(others);

  /** Before anything else is said: who may not, learns nothing. */
  function admit(request: RouteRequest, response: RouteResponse, rate: 'changes' | 'none' = 'changes'): Actor {
    const actor = callers.actorOf(request, 'admin');
    callers.admit(rate, request, response, actor);
    demand('admin', actor);
    if (!isOn) throw new NotFoundError('This server keeps no API keys: LAKH_API_KEYS is not set.');
    return actor;
  }

  function tell({ kind, name }: Actor, { id, name: key, owner, scopes, reach }: KeyView, what: string): void {
    log.info({ key: { id, name: key, owner, scopes, reach }, actor: { kind, name } }, what);
  }

  function show(response: RouteResponse, { key, text }: NewKey): void {
    response
      .status(201)
      .set('Cache-Control', 'no-store')
      .json({ ...keyJson(key), key: text });
  }

  return {
    routes: keyRoutes,
    headers: securityHeaders,
    guard: (request) => void callers.actorOf(request, 'admin'),
    handlers: {
      async listKeys(request, response) {
        admit(request, response, 'none');
        const all = await keys.list();
        response.set('Cache-Control', 'no-store').json({ keys: all.map(keyJson) });
      },
      async createKey(request, response, body) {
        const actor = admit(request, response);
        const { fields, problems } = fieldsOf(await body(), FIELDS_OF_CREATE);
        const { name, owner, scopes, reach, expires_at: expiresAt } = fields;
        const asked = { name, owner, scopes, reach, expiresAt };
        if (problems.length > 0) throw new InvalidRequestError([...problems, ...problemsOf(asked, clock.nowMs())]);
        const made = await keys.create(asked).catch(refuse);
        tell(actor, made.key, 'API key made');
        show(response, made);
      },
      async rotateKey(request, response, body) {
        const actor = admit(request, response);
        const { fields, problems } = fieldsOf(await body(), FIELDS_OF_ROTATE);
        if (problems.length > 0) throw new InvalidRequestError(problems);
        const made = await keys.rotate(request.params.key as string, fields.overlap_s ?? undefined).catch(refuse);
        tell(actor, made.key, 'API key rotated');
        show(response, made);
      },
      async revokeKey(request, response) {
        const actor = admit(request, response);
        tell(actor, await keys.revoke(request.params.key as string), 'API key revoked');
        response.status(204).end();
      },
    },
  };
}

interface Fields {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly problems: readonly FieldProblem[];
}

function fieldsOf(body: unknown, known: ReadonlySet<string>): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidRequestError([{ field: '', rule: 'not_an_object', reason: 'must be a JSON object' }]);
  }
  return { fields: body as Fields['fields'], problems: unknownFields(body, known) };
}

/** What else is wrong with a key that has fields that there are not. */
function problemsOf(asked: KeyRequest, nowMs: number): readonly FieldProblem[] {
  try {
    validateKey(asked, nowMs);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidKeyRequestError)) throw error;
    return error.problems;
  }
}

function refuse(error: unknown): never {
  throw error instanceof InvalidKeyRequestError ? new InvalidRequestError(error.problems) : error;
}

function keyJson(key: KeyView): object {
  const timeOf = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    id: key.id,
    name: key.name,
    owner: key.owner,
    scopes: key.scopes,
    reach: key.reach,
    valid: key.isValid,
    created_at: timeOf(key.createdAtMs),
    expires_at: timeOf(key.expiresAtMs),
    revoked_at: timeOf(key.revokedAtMs),
    last_used_at: timeOf(key.lastUsedAtMs),
  };
}
