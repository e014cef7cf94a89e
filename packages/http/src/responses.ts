import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { OwnNames } from './own-requests.js';

export const HSTS = ['Strict-Transport-Security', 'max-age=31536000'] as const;

/** Whether people know a server by https. */
export const isHttps = ({ publicUrl }: OwnNames): boolean => publicUrl?.startsWith('https:') === true;

/**
 * The responses of a server. Where people know it by https, every one of them says so to browsers, whoever writes it: the next
 * visit then begins with https, however it was typed, and nobody on the way of plain http gets to answer it.
 */
export function responsesOf({ publicUrl }: OwnNames): typeof ServerResponse {
  return isHttps({ publicUrl }) ? (HttpsResponse as typeof ServerResponse) : ServerResponse;
}

class HttpsResponse extends ServerResponse {
  constructor(...given: ConstructorParameters<typeof ServerResponse>) {
    super(...given);
    // Not a method: express gives a response another prototype.
    this.writeHead = writeHttpsHead as typeof this.writeHead;
  }
}

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined;

const writeHead: (this: ServerResponse, status: number, headers: Headers) => ServerResponse =
  ServerResponse.prototype.writeHead;

function writeHttpsHead(this: ServerResponse, status: number, ...rest: readonly unknown[]): ServerResponse {
  const headers = rest.at(-1) as Headers;
  // A list goes to the wire as it is; beside a header that is set before it Node builds all of them a second time.
  if (Array.isArray(headers)) return writeHead.call(this, status, [...headers, ...HSTS]);
  this.setHeader(...HSTS);
  return writeHead.call(this, status, headers);
}
