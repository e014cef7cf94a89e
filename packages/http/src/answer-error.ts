import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendProblem, toProblem } from './problem.js';
import { securityHeaders } from './request-context.js';
import type { Route } from './route-table.js';

/**
 * Answers an error in a route's form, and tells `onError` of every one that became a 5xx: problem details, or a small page to a
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
  if (!response.headersSent) {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
  }
  const wantsPage = form === 'page' && /\btext\/html\b/.test(request.headers.accept ?? '') && !response.headersSent;
  const { status } = wantsPage ? sendErrorPage(response, error) : sendProblem(response, error);
  if (status >= 500) onError?.(error, request);
  return true;
}

function sendErrorPage(response: ServerResponse, error: unknown): { readonly status: number } {
  const { status, headers, body } = toProblem(error);
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(body.title)}</title>
<h1>${escapeHtml(body.title)}</h1>
<p>${escapeHtml(body.detail)}</p>
</html>
`;
  response.writeHead(status, {
    ...headers,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    'content-length': Buffer.byteLength(page),
  });
  response.end(response.req.method === 'HEAD' ? undefined : page);
  return { status };
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
