import { type IncomingHttpHeaders, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** From the request's start to the answer's end. */
  readonly ms: number;
}

/** Far above every deadline of the servers: what takes longer hangs. */
const HANGS_MS = 30_000;

/** One request on a connection of its own, so that no answer depends on what an earlier fault did to a connection. */
export function ask(method: string, url: string, body?: string, token?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const headers = {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    };
    const outgoing = request(url, { method, headers, agent: false, timeout: HANGS_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode = 0, headers: answered } = response;
        resolve({ status: statusCode, headers: answered, body: text, ms: performance.now() - startedMs });
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer: ${method} ${url}`)));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
