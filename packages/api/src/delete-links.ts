/** `POST /api/v1/urls:batchDelete`: each link is deleted as a request of its own would delete it, and fails alone. */
import { BodyLines, type RouteHandler, type RouteRequest, toProblem } from '@lakh/http';
import { type Actor, demand, type Remover } from '@lakh/links';
import { apiRoutes } from './api-routes.js';
import { type DeleteRequest, itemsOf, parseDeleteRequest } from './batch-request.js';
import { answerBatch, createFailures, type ItemResult, type ItemWork } from './batch-results.js';
import type { BatchCaller } from './callers.js';
import type { BatchOptions } from './create-links.js';
import { Gate, Sequences } from './in-order.js';
import { LineStream } from './line-stream.js';

/** Of all batches together: each is a transaction, and connections to a store are few. */
const DELETES_AT_ONCE = 8;

export interface BatchDeleteOptions extends BatchOptions {
  readonly remover: Remover;
}

export function createDeleteLinksHandler(options: BatchDeleteOptions): RouteHandler {
  const { domainId, remover, clock, ryowCookie, callers, onError } = options;
  const gate = new Gate(DELETES_AT_ONCE);

  async function removeOne({ code, ifVersions, forever }: DeleteRequest, by: Deleter): Promise<ItemResult> {
    const found = by.caller.lookUp();
    let isFound = true;
    try {
      await remover.remove(domainId, code, by.actor, ifVersions, { forever });
      return { status: 204, code };
    } catch (error) {
      isFound = toProblem(error).status !== 404;
      throw error;
    } finally {
      found(isFound);
    }
  }

  function workOf(request: RouteRequest, by: Deleter): ItemWork {
    const fail = createFailures(request, onError);
    const sequences = new Sequences();
    return async (item) => {
      try {
        const asked = parseDeleteRequest(item);
        return await sequences.run(asked.code, () => gate.run(() => removeOne(asked, by)).catch(fail));
      } catch (error) {
        return fail(error);
      }
    };
  }

  return async (request, response, body) => {
    const actor = callers.actorOf(request, 'delete');
    callers.admit(apiRoutes.deleteLinks.rate, request, response, actor);
    demand('delete', actor);
    const caller = callers.batch(request, response, actor, 'delete');
    const sent = await body();
    const work = workOf(request, { actor, caller });
    if (sent instanceof BodyLines) {
      await new LineStream({ request, response, lines: sent, caller, work }).run();
      return;
    }
    const items = itemsOf(sent);
    caller.takeMore(items.length - 1);
    const results = await Promise.all(items.map(work));
    response.append('Set-Cookie', ryowCookie(clock.nowMs()));
    answerBatch(response, results);
  };
}

interface Deleter {
  readonly actor: Actor;
  readonly caller: BatchCaller;
}
