/** `POST /api/v1/urls:batch`: each link is created as a request of its own would create it, and fails alone. */
import { BadRequestError, BodyLines, type RouteHandler, type RouteRequest, type RouteResponse } from '@lakh/http';
import { type Actor, demand, NotShortened, type ShortenRequest, type ShortenResult } from '@lakh/links';
import { apiRoutes } from './api-routes.js';
import { itemsOf, keyOfLine } from './batch-request.js';
import { answerBatch, createFailures, type ItemResult, type OnError } from './batch-results.js';
import type { Callers } from './callers.js';
import { askedOf, type CreateLinkOptions, REPLAYED_HEADER } from './create-link.js';
import { entityTag } from './entity-tag.js';
import { idempotencyKeyOf } from './idempotency-key.js';
import { Gate, Sequences } from './in-order.js';
import { LineStream } from './line-stream.js';
import { LinkTexts } from './link-json.js';

/**
 * Of all batches together: those whose rows wait for a statement, and lines that do, for a store takes some thousands of rows before it refuses; and links that take
 * statements of their own, as aliases and those with keys do.
 */
const BATCHES_AT_ONCE = 2;
const LINES_AT_ONCE = 4_096;
const STATEMENTS_AT_ONCE = 32;

export interface BatchOptions extends CreateLinkOptions {
  readonly callers: Callers;
  /** Told of every error that became a 5xx. */
  readonly onError: OnError;
}

type Fail = (error: unknown) => ItemResult;

/** How one link is created where it is not by a request like any other. */
type Shorten = () => Promise<ShortenResult>;

export function createLinksHandler(options: BatchOptions): RouteHandler {
  const batches = new Batches(options);
  return (request, response, body) => batches.answer(request, response, body);
}

class Batches {
  readonly #options: BatchOptions;
  readonly #texts: LinkTexts;
  readonly #batches = new Gate(BATCHES_AT_ONCE);
  readonly #lines = new Gate(LINES_AT_ONCE);
  readonly #statements = new Gate(STATEMENTS_AT_ONCE);

  constructor(options: BatchOptions) {
    this.#options = options;
    this.#texts = new LinkTexts(options.publicUrl);
  }

  async answer(request: RouteRequest, response: RouteResponse, body: () => Promise<unknown>): Promise<void> {
    const { callers, clock, ryowCookie, onReplayed } = this.#options;
    const actor = callers.actorOf(request);
    callers.admit(apiRoutes.createLinks.rate, request, response, actor);
    demand('create', actor);
    const caller = callers.batch(request, response, actor, 'create');
    const key = idempotencyKeyOf(request.headers['idempotency-key']);
    const sent = await body();
    if (sent instanceof BodyLines) {
      if (key !== undefined) {
        throw new BadRequestError('Lines have no key in common; give each line an "idempotency_key" of its own.');
      }
      await new LineStream({ request, response, lines: sent, caller, work: this.#lineWork(request, actor) }).run();
      return;
    }
    const items = itemsOf(sent);
    caller.takeMore(items.length - 1);
    const { results, replayed } = await this.#createAll(request, actor, items, key);
    if (replayed) {
      response.set(REPLAYED_HEADER, 'true');
      onReplayed?.();
    }
    response.append('Set-Cookie', ryowCookie(clock.nowMs()));
    answerBatch(response, results);
  }

  /** Each by itself, or all by one key. */
  async #createAll(request: RouteRequest, actor: Actor, items: readonly unknown[], key: string | undefined) {
    const { domainId, shortener, onError } = this.#options;
    const fail = createFailures(request, onError);
    const asked = items.map((item) => {
      try {
        return this.#askedOf(item);
      } catch (error) {
        return fail(error);
      }
    });
    if (key === undefined) return { results: await this.#createRows(actor, asked, fail), replayed: false };
    // What the wire format is wrong about is a part of the batch all the same, and refused again.
    const requests = asked.map((each, index) => ('status' in each ? { longUrl: items[index] } : each));
    const create = this.#creator(fail);
    return shortener.batch(domainId, requests, actor, key, async ({ replayed, shorten }) => ({
      results: await Promise.all(
        asked.map((each, index) => ('status' in each ? each : create(each, () => shorten(index), false))),
      ),
      replayed,
    }));
  }

  /** Those without an alias together; each of the others by itself. */
  async #createRows(actor: Actor, asked: readonly (ShortenRequest | ItemResult)[], fail: Fail) {
    const { domainId, shortener } = this.#options;
    const create = this.#creator(fail);
    const results: (ItemResult | Promise<ItemResult>)[] = [];
    const rows: ShortenRequest[] = [];
    const places: number[] = [];
    asked.forEach((each, index) => {
      if ('status' in each) results[index] = each;
      else if (each.alias != null) results[index] = create(each, () => shortener.shorten(domainId, each, actor), false);
      else {
        rows.push(each);
        places.push(index);
      }
    });
    const made = await this.#batches.run(() => shortener.shortenMany(domainId, rows, actor));
    made.forEach((one, row) => {
      results[places[row] as number] = one instanceof NotShortened ? fail(one.error) : this.#resultOf(one);
    });
    return Promise.all(results);
  }

  #lineWork(request: RouteRequest, actor: Actor) {
    const { domainId, shortener, onError, onReplayed } = this.#options;
    const fail = createFailures(request, onError);
    const create = this.#creator(fail);
    return async (line: unknown): Promise<ItemResult> => {
      try {
        const { key, link } = keyOfLine(line);
        const asked = this.#askedOf(link);
        const result = await create(asked, () => shortener.shorten(domainId, asked, actor, key), key === undefined);
        if (result.replayed) onReplayed?.();
        return result;
      } catch (error) {
        return fail(error);
      }
    };
  }

  #askedOf(item: unknown): ShortenRequest {
    const { domainId, shortener } = this.#options;
    return askedOf(item, (asked) => shortener.check(domainId, asked));
  }

  /** Creates the links of one batch: those of one alias in their order, `isRow`s without an alias in as few statements as may be. */
  #creator(fail: Fail) {
    const sequences = new Sequences();
    return (asked: ShortenRequest, shorten: Shorten, isRow: boolean): Promise<ItemResult> => {
      const { alias } = asked;
      const gate = isRow && alias == null ? this.#lines : this.#statements;
      const work = () => gate.run(shorten).then((result) => this.#resultOf(result), fail);
      return typeof alias === 'string' ? sequences.run(alias, work) : work();
    };
  }

  #resultOf({ link, created, replayed }: ShortenResult): ItemResult {
    const result = {
      status: created ? 201 : 200,
      link: this.#texts.json(link),
      etag: entityTag(link),
    };
    return replayed ? { ...result, replayed } : result;
  }
}
