import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorPage, STILL_PAGE_POLICY } from './html-page.js';
import { sendProblem, toProblem } from './problem.js';
import type { Route } from './route-table.js';

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
  onError?: (error: unknown, request: IncomingMessage) => void,
): boolean {
  if (request.destroyed && !request.complete) return false;
  const wantsPage = form === 'page' && isBrowser(request) && !response.headersSent;
  const { status } = wantsPage ? sendErrorPage(response, error) : sendProblem(response, error);
  // A link that goes in circles is its author's doing.
  if (status >= 500 && status !== 508) onError?.(error, request);
  return true;
}

/** Browsers name it, programs that want anything (or JSON) do not. */
function isBrowser({ headers }: IncomingMessage): boolean {
  return /\btext\/html\b/.test(headers.accept ?? '');
}

function sendErrorPage(response: ServerResponse, error: unknown): { readonly status: number } {
  const { status, headers, body } = toProblem(error);
  const page = errorPage(body);
  response.writeHead(status, {
    ...headers,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': STILL_PAGE_POLICY,
    'content-length': Buffer.byteLength(page),
  });
  response.end(response.req.method === 'HEAD' ? undefined : page);
  return { status };
}
