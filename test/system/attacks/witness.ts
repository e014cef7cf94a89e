import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Exchange, exchange, type Heard } from './wire.js';

const RETRY_MS = 500;
const TRIES = 20;

export interface Request {
  readonly port: number;
  readonly from?: string;
  readonly method?: string;
  readonly path: string;
  /** `127.0.0.1:port` unless told otherwise; null: none. */
  readonly host?: string | null;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Buffer;
  readonly quietMs?: number;
}

/** What an attacker says it wants injected: no answer may have it as a header. */
export const INJECTED = 'X-Injected';

/** Of the inside of a program: no answer to a stranger may tell it. */
const INSIDE: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a stack trace', /\n\s+at .*:\d+:\d+|\bat (?:async )?[\w.<>]+ \(/],
  ['a file', /node:internal|node_modules|\/dist\/|\.[cm]?[jt]s:\d|\/etc\/|\/proc\/|\/usr\/|\/tmp\//],
  ['SQL', /\b(?:SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s\S+\sSET|DELETE\s+FROM)\b|\bER_[A-Z_]{4,}|SQLITE_|errno/],
  [
    'an error of the system',
    /\bE(?:CONN\w+|ADDR\w+|PIPE|NOENT|ACCES|TIMEDOUT)\b|\b(?:Type|Range|Syntax|Reference)Error\b/,
  ],
  ['what it is made of', /express|mysql|maria|redis|zookeeper|sqlite|nginx\/\d|openresty|X-Powered-By|llhttp|HPE_/i],
];

const HEADER_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [\x20-\x7e]*$/;

/** Sends requests, and looks at every answer that comes to anybody. */
export class Witness {
  answers = 0;
  /** Of them, those that say to come back later. */
  unavailable = 0;
  readonly #got = new Map<string, string>();
  readonly #secrets: readonly string[];

  /** @param secrets what no answer may hold: tokens, passwords, folders */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
  }

  /** What answers told that they must not, each kind once. */
  get got(): string[] {
    return [...this.#got].map(([fault, after]) => `${fault}, after ${after}`);
  }

  async exchange(what: string, sent: Exchange): Promise<Heard> {
    const heard = await exchange(sent);
    this.look(what, heard, sent.isFlood);
    return heard;
  }

  /** One whole request on a connection of its own, which ends with it; made again when the answer is to come back later. */
  async ask(request: Request): Promise<Heard> {
    const { port, from, quietMs, method = 'GET', path, body = '' } = request;
    const sent = {
      port,
      pieces: [bytesOf(request)],
      ...(from === undefined ? {} : { from }),
      ...(quietMs === undefined ? {} : { quietMs }),
    };
    for (let left = TRIES; ; left -= 1) {
      const heard = await this.exchange(`${method} ${path} ${body}`.slice(0, 300), sent);
      if (heard.answers[0]?.status !== 503 || left === 1) return heard;
      await sleep(RETRY_MS);
    }
  }

  look(what: string, { answers }: Heard, isFlood = false): void {
    const asked = what.replace(/%([2-7][0-9a-f])/gi, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    );
    for (const { status, head, headers, body } of answers) {
      this.answers += 1;
      const note = (fault: string) => this.#got.set(fault, `${JSON.stringify(what)}: ${status} ${body.slice(0, 200)}`);
      for (const line of head.split('\r\n').slice(1)) {
        if (!HEADER_LINE.test(line)) note(`a header that is none, ${JSON.stringify(line)}`);
      }
      if (headers.has(INJECTED.toLowerCase())) note('a header of the attacker');
      // On a busy machine the database may not answer in time, and every request may say so.
      if (status === 503 && headers.has('retry-after')) this.unavailable += 1;
      else if (status >= 500 && status !== 508) note(`a ${status}`);
      if (status === 429 && !isFlood) note('a limit in place of an answer');
      if (body !== '' && headers.get('x-content-type-options') !== 'nosniff') note(`a ${status} without nosniff`);
      const isPage = /\bhtml\b/.test(headers.get('content-type') ?? '');
      if (isPage && !/^default-src 'none'/.test(headers.get('content-security-policy') ?? ''))
        note('a page without a policy');
      if (status >= 400) {
        if (headers.get('cache-control') !== 'no-store') note(`a ${status} that a cache may keep`);
      }
      if (status === 301 && !/^private, max-age=\d+$/.test(headers.get('cache-control') ?? ''))
        note('an endless redirect');
      for (const secret of this.#secrets)
        if (`${head}${body}`.includes(secret)) note(`the secret ${secret.slice(0, 3)}…`);
      // What a metric or a check is called is for who reaches the admin listener.
      if (isForOperators(headers, body)) continue;
      for (const [inside, pattern] of INSIDE) {
        // What was asked for may come back, as text.
        if (pattern.test(body) && !pattern.test(asked)) note(inside);
        if (pattern.test(head) && !pattern.test(asked)) note(`${inside} in a header`);
      }
    }
  }
}

function isForOperators(headers: ReadonlyMap<string, string>, body: string): boolean {
  return (
    /^text\/plain; version=/.test(headers.get('content-type') ?? '') || /^\{"status":"(ready|live|degraded)"/.test(body)
  );
}

/** A whole request; the last one of its connection unless told otherwise. */
export function bytesOf({ port, method = 'GET', path, host, headers = [], body }: Request, isLast = true): Buffer {
  const name = host === undefined ? `127.0.0.1:${port}` : host;
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...(name === null ? [] : [`Host: ${name}`]),
    ...headers.map(([field, value]) => `${field}: ${value}`),
    ...(body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...(isLast ? ['Connection: close'] : []),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body ?? '')]);
}

export const JSON_TYPE = ['Content-Type', 'application/json'] as const;
export const FORM_TYPE = ['Content-Type', 'application/x-www-form-urlencoded'] as const;

/** A code by hand that nobody else has. */
export const newAlias = (): string => `x${randomUUID().replaceAll('-', '')}`;
