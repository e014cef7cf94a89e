import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Of the parsed body; throws when there is none. */
  json(): Record<string, unknown>;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
  /** Pieces of a chunked body. */
  readonly chunks?: readonly string[];
}

const LIMIT_MS = 15_000;

/** One request on a connection of its own; `path` goes on the wire as it is, and nothing is followed. */
export function ask(port: number, path: string, options: AskOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body, chunks } = options;
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false, timeout: LIMIT_MS });
    request.once('timeout', () => request.destroy(new Error(`${method} ${path}: no answer within ${LIMIT_MS} ms`)));
    request.once('error', reject);
    request.once('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(parts).toString('utf8');
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: () => JSON.parse(text) });
      });
    });
    for (const chunk of chunks ?? []) request.write(chunk);
    request.end(body);
  });
}

/** `POST /api/v1/urls` with a JSON body, or with text that is sent as it is. */
export function create(port: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const sent = Buffer.from(text, 'utf8');
  return ask(port, '/api/v1/urls', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': String(sent.length), ...headers },
    body: sent,
  });
}

/** `POST /-/shorten`, as a browser without scripts sends the page's form. */
export function postForm(
  port: number,
  fields: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return ask(port, '/-/shorten', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(fields).toString(),
  });
}

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name; the last of equal names. */
  readonly headers: ReadonlyMap<string, string>;
  /** Everything after the first head. */
  readonly rest: string;
  readonly all: string;
}

/** Writes bytes to a connection and reads to its end, so the request should ask for `Connection: close`. */
export function exchange(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let all = '';
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(bytes as string, 'latin1'));
    const timer = setTimeout(() => socket.destroy(new Error(`no end within ${LIMIT_MS} ms after ${all}`)), LIMIT_MS);
    socket.setEncoding('latin1').on('data', (text: string) => {
      all += text;
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // The server may reset a connection whose rest it does not want to read.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.once('close', () => {
      clearTimeout(timer);
      const end = all.indexOf('\r\n\r\n');
      const [line = '', ...fields] = all.slice(0, end).split('\r\n');
      const headers = new Map(
        fields.map((field): [string, string] => {
          const colon = field.indexOf(':');
          return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
        }),
      );
      resolve({ status: Number(line.split(' ')[1]), headers, rest: all.slice(end + 4), all });
    });
  });
}

/** The value of a metric, 0 when it is not there. */
export async function metric(adminUrl: string, name: string): Promise<number> {
  const { text } = await ask(Number(new URL(adminUrl).port), '/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ')[1] ?? 0);
}
