/** People who follow links and writers who make, edit and delete them, each with one request at a time; what they read is judged. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, Http } from '../http.js';
import type { Random } from '../random.js';
import { type Operation, Tally } from './tally.js';
import { type Face, LinkTruth } from './truth.js';

export interface LoadOptions {
  readonly http: Http;
  readonly random: Random;
  /** Base addresses, read anew at each request. */
  readonly shorten: () => readonly string[];
  readonly redirect: () => readonly string[];
  readonly token: string;
  /** Nothing is waited for longer than this. */
  readonly deadlineMs: number;
  /** How old what is served may be. */
  readonly staleMs: number;
}

/** What was read and may not be, over a whole fault. */
export interface Findings {
  /** Answers that never were right. */
  wrong: string[];
  stale: number;
  /** Beyond what is promised. */
  tooStale: number;
  mostStaleMs: number;
}

interface KnownLink {
  readonly code: string;
  readonly truth: LinkTruth;
  /** Somebody changes it now, or nobody knows what came of it: it is only read from then on. */
  busy: boolean;
}

const READERS = 8;
const WRITERS: readonly Operation[] = ['create', 'create', 'edit', 'edit', 'delete'];
const THINK_MS = 30;
/** Of reads: those of links that were changed last, of which a cache may have what was. */
const OF_RECENT = 0.6;
const RECENT = 40;
/** For a link that was acknowledged to be answered for. */
const PATIENCE_MS = 30_000;
const AGAIN_MS = 250;
/** Of the longest URLs, or nearly so; in all four times what a file of a database keeps free. */
const GROWN_LENGTH = 2_000;
const GROWN_AT_ONCE = 200;
const MOST_GROWN = 20_000;
/** Between two deletes: more than are made are needed of no kind. */
const DELETE_THINK_MS = 120;

export class Load {
  readonly #options: LoadOptions;
  readonly #links: KnownLink[] = [];
  readonly #recent: KnownLink[] = [];
  readonly #running: Promise<void>[] = [];
  #tally: Tally;
  #findings: Findings = noFindings();
  #made = 0;
  #stopped = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#tally = new Tally(performance.now());
  }

  /** Makes some links and sets everybody to work. */
  async start(links: number): Promise<void> {
    for (let i = 0; i < links; i += 1) await this.#create();
    for (let i = 0; i < READERS; i += 1) this.#running.push(this.#live('redirect'));
    for (const operation of WRITERS) this.#running.push(this.#live(operation));
  }

  /** Begins to count anew: a fault begins now. @returns what came of the requests until now */
  turn(): { readonly tally: Tally; readonly findings: Findings } {
    const ended = { tally: this.#tally, findings: this.#findings };
    this.#tally = new Tally(performance.now());
    this.#findings = noFindings();
    return ended;
  }

  /** Makes links that take much room until one is refused; failures are timed from then on. Rejects where none is. */
  async growUntilRefused(signal: AbortSignal): Promise<void> {
    for (let grown = 0; grown < MOST_GROWN; grown += GROWN_AT_ONCE) {
      signal.throwIfAborted();
      const beganMs = performance.now();
      if (await this.#grow()) continue;
      this.#tally.begin(beganMs);
      return;
    }
    throw new Error(`${MOST_GROWN} links of ${GROWN_LENGTH} bytes found room`);
  }

  /** @returns whether all were made */
  async #grow(): Promise<boolean> {
    const urls = Array.from({ length: GROWN_AT_ONCE }, () => {
      this.#made += 1;
      return `https://example.com/made/${this.#made}?`.padEnd(GROWN_LENGTH, 'x');
    });
    const [base] = this.#options.shorten();
    const sentMs = performance.now();
    const answer = await this.#ask('POST', `${base}/api/v1/urls:batch`, {
      links: urls.map((url) => ({ long_url: url })),
    });
    const doneMs = performance.now();
    if (typeof answer === 'string' || answer.status !== 200) return false;
    const { results } = JSON.parse(answer.body) as {
      results: { index: number; status: number; link?: { code: string } }[];
    };
    for (const { index, status, link } of results) {
      if (status !== 201 || link === undefined) continue;
      const face = { leadsTo: urls[index] as string };
      this.#links.push({ code: link.code, truth: new LinkTruth(face, sentMs, doneMs), busy: false });
    }
    return results.every(({ status }) => status === 201);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** Links that were acknowledged and are not what they are known to be, asked of the primary one by one. */
  async lost(): Promise<readonly string[]> {
    const lost: string[] = [];
    const links = [...this.#links];
    await Promise.all(
      Array.from({ length: READERS }, async () => {
        for (let link = links.pop(); link !== undefined; link = links.pop()) {
          const problem = await this.#missing(link);
          if (problem !== undefined) lost.push(`${link.code}: ${problem}`);
        }
      }),
    );
    return lost;
  }

  async #missing({ code, truth, busy }: KnownLink): Promise<string | undefined> {
    const { face } = truth;
    if (face === undefined || busy) return undefined;
    const answer = await this.#asked(code);
    if (typeof answer === 'string') return answer;
    if (face === 'gone') return answer.status === 410 ? undefined : `${answer.status} after its delete`;
    if (answer.status !== 200) return `${answer.status}`;
    const { long_url: longUrl } = JSON.parse(answer.body) as { long_url: string };
    return longUrl === face.leadsTo ? undefined : `${longUrl} and not ${face.leadsTo}`;
  }

  /** What is away for a moment, as a cluster whose node has just come back, says nothing of what it has. */
  async #asked(code: string): Promise<Answer | string> {
    const [base] = this.#options.shorten();
    const untilMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.#ask('GET', `${base}/api/v1/urls/${code}`, undefined);
      if ((typeof answer !== 'string' && answer.status < 500) || performance.now() >= untilMs) return answer;
      await sleep(AGAIN_MS);
    }
  }

  async #live(operation: Operation): Promise<void> {
    const { random } = this.#options;
    while (!this.#stopped) {
      await sleep((0.5 + random.next()) * (operation === 'delete' ? DELETE_THINK_MS : THINK_MS));
      if (operation === 'redirect') await this.#follow();
      else if (operation === 'create') await this.#create();
      else await this.#change(operation);
    }
  }

  async #create(): Promise<void> {
    this.#made += 1;
    const url = `https://example.com/made/${this.#made}`;
    const sentMs = performance.now();
    const base = this.#options.random.pick(this.#options.shorten());
    const answer = await this.#ask('POST', `${base}/api/v1/urls`, { long_url: url });
    const doneMs = this.#count('create', sentMs, answer, [201]);
    if (typeof answer === 'string' || answer.status !== 201) return;
    const { code } = JSON.parse(answer.body) as { code: string };
    const link: KnownLink = { code, truth: new LinkTruth({ leadsTo: url }, sentMs, doneMs), busy: false };
    this.#links.push(link);
    this.#remember(link);
  }

  async #change(operation: 'edit' | 'delete'): Promise<void> {
    const { random, shorten } = this.#options;
    const link = random.pick(this.#links);
    if (link === undefined || link.busy || link.truth.face === 'gone') return;
    link.busy = true;
    this.#made += 1;
    const face: Face = operation === 'delete' ? 'gone' : { leadsTo: `https://example.com/edited/${this.#made}` };
    const sentMs = performance.now();
    const change = link.truth.change(face, sentMs);
    const path = `${random.pick(shorten())}/api/v1/urls/${link.code}`;
    const answer =
      face === 'gone'
        ? await this.#ask('DELETE', path, undefined)
        : await this.#ask('PATCH', path, { long_url: face.leadsTo });
    const doneMs = this.#count(operation, sentMs, answer, [face === 'gone' ? 204 : 200]);
    // Where nobody knows what came of it, it stays busy for ever.
    if (typeof answer === 'string' || !isDecided(operation, answer)) return;
    if (answer.status < 300) change.acknowledged(doneMs);
    else change.refused();
    link.busy = false;
    this.#remember(link);
  }

  async #follow(): Promise<void> {
    const { random, redirect, staleMs } = this.#options;
    const link = random.pick(random.next() < OF_RECENT ? this.#recent : this.#links);
    if (link === undefined) return;
    const sentMs = performance.now();
    const answer = await this.#ask('GET', `${random.pick(redirect())}/${link.code}`, undefined);
    const doneMs = this.#count('redirect', sentMs, answer, [301, 404, 410]);
    if (typeof answer === 'string' || ![301, 404, 410].includes(answer.status)) return;
    const face: Face = answer.status === 410 ? 'gone' : { leadsTo: answer.location ?? '' };
    const judged = link.truth.judge(face, sentMs, doneMs);
    if (judged.is === 'wrong') this.#findings.wrong.push(`${link.code}: ${answer.status} ${answer.location ?? ''}`);
    if (judged.is !== 'stale') return;
    this.#findings.stale += 1;
    this.#findings.mostStaleMs = Math.max(this.#findings.mostStaleMs, judged.lateMs);
    if (judged.lateMs > staleMs) this.#findings.tooStale += 1;
  }

  #remember(link: KnownLink): void {
    this.#recent.push(link);
    if (this.#recent.length > RECENT) this.#recent.shift();
  }

  /** An answer, or why there is none. */
  #ask(method: string, url: string, body: object | undefined): Promise<Answer | string> {
    const { http, token, deadlineMs } = this.#options;
    const credential = method === 'DELETE' || method === 'PATCH' || url.includes('/api/') ? token : undefined;
    return http
      .ask(method, url, { body: body && JSON.stringify(body), token: credential, deadlineMs })
      .catch((error: Error) => error.message);
  }

  #count(operation: Operation, sentMs: number, answer: Answer | string, expected: readonly number[]): number {
    const doneMs = performance.now();
    this.#tally.add(operation, sentMs, doneMs, failureOf(answer, expected));
    return doneMs;
  }
}

function noFindings(): Findings {
  return { wrong: [], stale: 0, tooStale: 0, mostStaleMs: 0 };
}

function failureOf(answer: Answer | string, expected: readonly number[]): string | undefined {
  if (typeof answer === 'string') return answer;
  if (expected.includes(answer.status)) return undefined;
  const code = /"code":"(\w+)"/.exec(answer.body)?.[1];
  return code === undefined ? String(answer.status) : `${answer.status} ${code}`;
}

/**
 * Whether an answer to a change says that it was made, or that it was not. The gateway sends a delete again, for it may be: what it hands on after that is
 * said of the last time alone, and the first may have been made.
 */
export function isDecided(operation: 'edit' | 'delete', { status, body }: Pick<Answer, 'status' | 'body'>): boolean {
  return status < 500 || (operation === 'edit' && body.includes('"store_unavailable"'));
}
