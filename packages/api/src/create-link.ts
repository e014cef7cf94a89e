import type { ServerResponse } from 'node:http';
import { InvalidRequestError, type RyowCookie, securityHeaders } from '@lakh/http';
import {
  type Actor,
  type Clock,
  type FieldProblem,
  InvalidLinkError,
  type Shortener,
  type ShortenRequest,
} from '@lakh/links';
import { apiRoutes } from './api-routes.js';
import { entityTag } from './entity-tag.js';
import { LinkTexts } from './link-json.js';
import { parseCreateRequest } from './link-request.js';

export interface CreateLinkOptions {
  /** Whose links these are. */
  readonly domainId: number;
  readonly shortener: Shortener;
  readonly clock: Clock;
  /** Goes with every write. */
  readonly ryowCookie: RyowCookie;
  /** What short URLs begin with; no trailing slash. */
  readonly publicUrl: string;
  /** Told of each answer that was given before, to a request with the same key. */
  readonly onReplayed?: () => void;
}

/** Tells whoever sent a key that it was not the first request with it. */
export const REPLAYED_HEADER = 'idempotency-replayed';

/** Creates the link that a parsed body asks for, once for each `key`, and answers 201 (200 for an alias that is there already). */
export type CreateLink = (response: ServerResponse, body: unknown, actor: Actor, key?: string) => Promise<void>;

export function createLinkCreator({
  domainId,
  shortener,
  clock,
  ryowCookie,
  publicUrl,
  onReplayed,
}: CreateLinkOptions): CreateLink {
  const texts = new LinkTexts(publicUrl);
  const fixedHeaders = [
    ...Object.entries(securityHeaders).flat(),
    ...['content-type', 'application/json', 'cache-control', 'no-store'],
  ];

  return async (response, body, actor, key) => {
    const asked = askedOf(body, (link) => shortener.check(domainId, link));
    const { link, created, replayed } = await shortener.shorten(domainId, asked, actor, key).catch(throwInvalidRequest);
    const text = texts.text(link);
    const headers = [
      ...fixedHeaders,
      ...['location', `${apiRoutes.createLink.path}/${link.code}`, 'set-cookie', ryowCookie(clock.nowMs())],
      ...['etag', entityTag(link), 'content-length', String(Buffer.byteLength(text))],
    ];
    if (replayed) {
      headers.push(REPLAYED_HEADER, 'true');
      onReplayed?.();
    }
    // One list at once: each `setHeader` before it would make Node build the headers a second time.
    response.writeHead(created ? 201 : 200, headers);
    response.end(text);
  };
}

/** What a body asks for. @throws InvalidRequestError naming also what `check` finds, where the fields are wrong in the first place */
export function askedOf(body: unknown, check: (asked: ShortenRequest) => readonly FieldProblem[]): ShortenRequest {
  const { link: asked, problems } = parseCreateRequest(body);
  if (problems.length > 0) throw new InvalidRequestError(allProblems(problems, () => check(asked)));
  return asked;
}

/** A caller learns of everything that is wrong at once; a field that is missing or no object is not judged twice. */
export function allProblems(
  problems: readonly FieldProblem[],
  check: () => readonly FieldProblem[],
): readonly FieldProblem[] {
  if (problems.some(({ rule }) => rule === 'not_an_object')) return problems;
  const named = new Set(problems.map(({ field }) => field));
  return [...problems, ...check().filter(({ field }) => !named.has(field))];
}

/** On the wire an invalid field looks the same whoever found it. */
export const asInvalidRequest = ({ problems }: InvalidLinkError) => new InvalidRequestError(problems);

export function throwInvalidRequest(error: unknown): never {
  throw error instanceof InvalidLinkError ? asInvalidRequest(error) : error;
}
