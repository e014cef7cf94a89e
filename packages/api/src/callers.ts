import type { IncomingMessage, ServerResponse } from 'node:http';
import { type RateLimits, type Route, UnauthorizedError } from '@lakh/http';
import { type Actor, demand, type Right } from '@lakh/links';

/**
 * How callers are told apart: who sent this `Authorization` header, or undefined where a token is needed, for what has the right `create` or
 * for the one named, and it holds no valid one.
 */
export type Identify = (authorization: string | undefined, right?: Right) => Actor | undefined;

export interface CallerOptions {
  readonly identify: Identify;
  readonly limits: RateLimits;
}

/** What a request has to pass before its handler does anything for it. */
export interface Callers {
  /** Who asks, by the request's header. @throws UnauthorizedError, RateLimitedError */
  actorOf(request: IncomingMessage, right?: Right): Actor;
  /** Who asks, by what is in the header's place. @throws UnauthorizedError, RateLimitedError */
  whoShows(authorization: string | undefined, request: IncomingMessage, right?: Right): Actor;
  /** Counts what is asked for, by the rate class of its route. @throws RateLimitedError */
  admit(rate: Route['rate'], request: IncomingMessage, response: ServerResponse, actor: Actor): void;
  /** The same of a request that asks for several things, the first of them being counted by {@link admit}. */
  batch(request: IncomingMessage, response: ServerResponse, actor: Actor, right: Right): BatchCaller;
}

/** Who sends a batch. It holds a place for as long as it lasts. */
export interface BatchCaller {
  /** Whether the token still is one, with the right that is needed: a stream may outlast it. @throws UnauthorizedError, ForbiddenError */
  demandStill(): void;
  /** Counts so many changes more. @throws RateLimitedError, PayloadTooLargeError */
  takeMore(count: number): void;
  /** Counts one look-up; to be told whether it found something. @throws RateLimitedError */
  lookUp(): (found: boolean) => void;
}

export function createCallers({ identify, limits }: CallerOptions): Callers {
  function whoShows(authorization: string | undefined, request: IncomingMessage, right?: Right): Actor {
    const actor = identify(authorization, right);
    if (actor?.kind === 'anonymous') return actor;
    if (authorization !== undefined) limits.tokenShown(request, actor?.name);
    if (actor !== undefined) return actor;
    throw needsToken();
  }

  return {
    whoShows,
    actorOf: (request, right) => whoShows(request.headers.authorization, request, right),
    admit: (rate, request, response, actor) => limits.admit(rate, request, response, holderOf(actor)),
    batch(request, response, actor, right) {
      const holder = holderOf(actor);
      limits.holdPlace(request, response, holder);
      return {
        demandStill() {
          const now = identify(request.headers.authorization, right);
          if (now === undefined) throw needsToken();
          demand(right, now);
        },
        takeMore: (count) => limits.takeMore(count, request, holder),
        lookUp: () => limits.lookUp(request, holder),
      };
    },
  };
}

/** A token of the file and a key of the database may have one name, and are two callers. */
const holderOf = ({ kind, name }: Actor) => (kind === 'token' ? name : kind === 'key' ? `key:${name}` : undefined);

const needsToken = () =>
  new UnauthorizedError('A valid API key or token is needed: Authorization: Bearer <key or token>.');
