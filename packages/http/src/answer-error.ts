import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Answer, sendAnswer } from './answer.js';
import { errorPage, STILL_PAGE_POLICY } from './html-page.js';
import { type Problem, problemAnswer, sendProblem, toProblem } from './problem.js';
import type { RequestHead } from './request-head.js';
import type { Route } from './route-table.js';

/** Told of every error that is this server's own. */
type OnError<Request> = (error: unknown, request: Request) => void;

/**
 * Answers an error in a route's form, and tells `onError` of every one that is this server's own: problem details, or a page to a
 * browser. No cache may keep either: a code that is free now may be a link a moment later.
 *
 * @returns false where there is nobody to answer: a client that left in the middle of its body, which is nobody's fault here
 */
export function answerError(
  form: Route['errors'],
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  onError?: OnError<IncomingMessage>,
): boolean {
  if (request.destroyed && !request.complete) return false;
  const wantsPage = form === 'page' && isBrowser(request) && !response.headersSent;
  const { status } = wantsPage ? sendErrorPage(response, error) : sendProblem(response, error);
  if (isOurs(status)) onError?.(error, request);
  return true;
}

/** The same answer, for whoever sends it in another way than by a response of node:http. */
export function errorAnswer(
  form: Route['errors'],
  request: RequestHead,
  error: unknown,
  onError: OnError<RequestHead>,
): Answer {
  const problem = toProblem(error);
  if (isOurs(problem.status)) onError(error, request);
  return form === 'page' && isBrowser(request) ? pageAnswer(problem) : problemAnswer(problem);
}

/** A link that goes in circles is its author's doing. */
const isOurs = (status: number) => status >= 500 && status !== 508;

/** Browsers name it, programs that want anything (or JSON) do not. */
function isBrowser({ headers }: RequestHead): boolean {
  return /\btext\/html\b/.test(headers.accept ?? '');
}

function sendErrorPage(response: ServerResponse, error: unknown): { readonly status: number } {
  const answer = pageAnswer(toProblem(error));
  sendAnswer(response, answer);
  return answer;
}

function pageAnswer({ status, headers, body }: Problem): Answer {
  const page = errorPage(body);
  return {
    status,
    headers: {
      ...headers,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': STILL_PAGE_POLICY,
      'content-length': Buffer.byteLength(page),
    },
    body: page,
  };
}
