import type { IncomingMessage, ServerResponse } from 'node:http';
import { securityHeaders, sendProblem, toProblem } from '@lakh/http';

/**
 * Answers an error: a small page to a browser, problem details to everyone else. Returns the status. No cache may keep it:
 * a code that is free now may be a link a moment later.
 */
export function sendFailure(request: IncomingMessage, response: ServerResponse, error: unknown): number {
  const wantsPage = /\btext\/html\b/.test(request.headers.accept ?? '');
  if (!response.headersSent) {
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
  }
  if (!wantsPage || response.headersSent) return sendProblem(response, error).status;
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
  response.end(request.method === 'HEAD' ? undefined : page);
  return status;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
