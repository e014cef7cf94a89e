import { once } from 'node:events';
import { type Answer, type HttpServerOptions, type RequestHead, sendAnswer, type WireLane } from '../../src/index.js';
import { RawClient, type Running, startServer } from '../support.js';

export const LINES = 'Location: https://example.com/\r\nContent-Length: 0\r\n';
const HEADERS = ['Location', 'https://example.com/', 'Content-Length', '0'];

/** What a server was asked by which way, and the answers that are waited for. */
export class Lanes {
  readonly wire: string[] = [];
  readonly http: string[] = [];
  readonly errors: unknown[] = [];
  readonly #waiting = new Map<string, (answer: Answer) => void>();

  /** `/hit…` at once, `/slow…` once it is told what, `/wrong…` with an error, and the rest not at all. */
  readonly lane: WireLane = {
    hit: (request, reply) => {
      if (request.path.startsWith('/wrong')) throw new Error(request.path);
      if (!request.path.startsWith('/hit')) return false;
      this.wire.push(request.path);
      reply.send(302, LINES);
      if (request.path === '/hit-and-wrong') throw new Error(request.path);
      return true;
    },
    later: ({ path, headers }) => {
      if (path.startsWith('/late-wrong')) throw new Error(path);
      if (path === '/rejected') return Promise.reject(new Error(path));
      if (path === '/unsendable') return Promise.resolve({ status: 200, headers: null as never, body: '' });
      if (path === '/headers') return Promise.resolve(echo(headers));
      if (!path.startsWith('/slow')) return undefined;
      this.wire.push(path);
      return this.#answerOf(path);
    },
  };

  readonly options: Pick<HttpServerOptions, 'handler' | 'onError'> = {
    onError: (error) => this.errors.push(error),
    handler: async (request, response) => {
      const path = request.url as string;
      this.http.push(path);
      if (path.startsWith('/wrong') || path.startsWith('/late-wrong')) throw new Error(path);
      if (path === '/headers') {
        sendAnswer(response, echo(request.headers));
        return;
      }
      const headers = HEADERS;
      const answer = path.startsWith('/slow') ? await this.#answerOf(path) : { status: 302, headers, body: '' };
      sendAnswer(response, answer);
    },
  };

  /** Answers a slow request, once it has come. */
  async answer(path: string, answer: Answer = { status: 302, headers: HEADERS, body: '' }): Promise<void> {
    while (!this.#waiting.has(path)) await new Promise((resolve) => setImmediate(resolve));
    this.#waiting.get(path)?.(answer);
    this.#waiting.delete(path);
  }

  #answerOf(path: string): Promise<Answer> {
    return new Promise((resolve) => {
      this.#waiting.set(path, resolve);
    });
  }
}

/** What is asked of a request's headers. */
function echo(headers: RequestHead['headers']): Answer {
  const { accept, cookie, host, 'x-forwarded-for': forwarded, 'x-request-id': id } = headers;
  const body = JSON.stringify({ accept, cookie, host, forwarded, id });
  return { status: 200, headers: ['Content-Length', String(body.length)], body };
}

export const get = (path: string, ...fields: readonly string[]) =>
  `${[`GET ${path} HTTP/1.1`, 'Host: x', ...fields].join('\r\n')}\r\n\r\n`;

/** How many answers have come whole, of those that say how long they are. */
export function answersIn(received: string): string[] {
  const answers: string[] = [];
  let rest = received;
  for (;;) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) return answers;
    const length = Number(/^content-length: (\d+)\r$/im.exec(rest.slice(0, headEnd + 2))?.[1] ?? 0);
    const end = headEnd + 4 + length;
    if (rest.length < end) return answers;
    answers.push(rest.slice(0, end).replace(/^Date: .*\r\n/m, ''));
    rest = rest.slice(end);
  }
}

export class Asker extends RawClient {
  /** Resolves once so many answers have come. */
  async answers(count: number): Promise<string[]> {
    while (answersIn(this.received).length < count) {
      if (this.socket.destroyed) throw new Error(`closed after ${JSON.stringify(this.received)}`);
      await Promise.race([once(this.socket, 'data'), this.closed]);
    }
    return answersIn(this.received);
  }
}

export async function startLanes(
  options: Partial<HttpServerOptions> = {},
): Promise<Running & { readonly lanes: Lanes }> {
  const lanes = new Lanes();
  const running = await startServer({ ...lanes.options, wireLane: lanes.lane, ...options });
  return Object.assign(running, { lanes });
}
