import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryWriter, RequestEvent } from './history.js';
import type { Http } from './http.js';
import type { Random } from './random.js';

export interface ClientsOptions {
  readonly http: Http;
  readonly history: HistoryWriter;
  /** Base addresses by name; `gateway` is asked by most, every other one directly by some. */
  readonly targets: ReadonlyMap<string, string>;
  readonly count: number;
  readonly seed: number;
  /** Each waits up to this long between an answer and the next request. */
  readonly thinkMs: number;
  readonly random: Random;
  /** Of the API, for deletes. */
  readonly token: string;
}

/** Of a hundred requests; the rest are reads. */
const CREATES = 70;
const DELETES = 4;
const BY_GATEWAY = 0.6;
/** Links that reads choose from: enough that most are in no cache, and bounded. */
const REMEMBERED = 20_000;
const KINDS = { create: 'POST', read: 'GET', delete: 'DELETE' } as const;

/** People and programs that create, follow and delete links, one request each at a time, and never send one twice. */
export class Clients {
  readonly #options: ClientsOptions;
  readonly #running: Promise<void>[];
  /** Codes that were given; overwritten from the start once there are many. */
  readonly #codes: string[] = [];
  #remembered = 0;
  #asked = 0;
  #stopped = false;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#running = Array.from({ length: options.count }, (_, i) => this.#live(`client-${i + 1}`));
  }

  /** Sends nothing more; resolves when everything is answered or given up. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #live(client: string): Promise<void> {
    const { random, thinkMs } = this.#options;
    while (!this.#stopped) {
      await sleep(random.next() * thinkMs);
      const dice = random.next() * 100;
      const code = this.#codes.length === 0 ? undefined : random.pick(this.#codes);
      if (code === undefined || dice < CREATES) await this.#create(client);
      else if (dice < CREATES + DELETES) await this.#send(client, 'delete', { code }, `/api/v1/urls/${code}`);
      else await this.#send(client, 'read', { code }, `/${code}`);
    }
  }

  async #create(client: string): Promise<void> {
    this.#asked += 1;
    const url = `https://example.com/${this.#options.seed}/${this.#asked}`;
    const event = await this.#send(client, 'create', { url }, '/api/v1/urls', JSON.stringify({ long_url: url }));
    if (event.code === undefined) return;
    this.#codes[this.#remembered % REMEMBERED] = event.code;
    this.#remembered += 1;
  }

  async #send(
    client: string,
    op: RequestEvent['op'],
    asked: Pick<RequestEvent, 'url' | 'code'>,
    path: string,
    body?: string,
  ): Promise<RequestEvent> {
    const { http, history, random, targets, token } = this.#options;
    const role = op === 'read' ? 'redirect' : 'shorten';
    const direct = [...targets.keys()].filter((name) => name.startsWith(role));
    const target = random.next() < BY_GATEWAY ? 'gateway' : random.pick(direct);
    const sentMs = history.nowMs();
    const credential = op === 'delete' ? token : undefined;
    const outcome = await http.ask(KINDS[op], `${targets.get(target)}${path}`, { body, token: credential }).then(
      ({ status, location, body: text }) => ({
        status,
        ...(location === undefined || op !== 'read' ? {} : { location }),
        ...wordOf(op, status, text),
      }),
      (error: Error) => ({ error: error.message }),
    );
    const event: RequestEvent = {
      type: 'request',
      op,
      client,
      target,
      sentMs,
      doneMs: history.nowMs(),
      ...asked,
      ...outcome,
    };
    history.add(event);
    return event;
  }
}

/** The code that a body gives, or the problem that it names. */
function wordOf(op: RequestEvent['op'], status: number, body: string): Pick<RequestEvent, 'code' | 'error'> {
  if (status !== 201 && status < 400) return {};
  try {
    const { code } = JSON.parse(body) as { code?: unknown };
    if (typeof code !== 'string') return {};
    return op === 'create' && status === 201 ? { code } : { error: code };
  } catch {
    return {};
  }
}
