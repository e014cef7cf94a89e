import { setTimeout as sleep } from 'node:timers/promises';
import { DegradedStack } from './degraded-stack';
import { GatewayClient } from './gateway-client';

const KEPT_LINKS = 500;
const MAX_TOLD = 20;

export interface RestartsOptions {
  readonly clients: number;
  /** Of each client, after each answer. */
  readonly pauseMs: number;
  /** Every service is restarted twice, and once more for as long as fewer have been answered. */
  readonly leastRequests: number;
}

export interface RestartsOutcome {
  readonly posts: number;
  readonly gets: number;
  /** Process ids that have answered for each server. */
  readonly pids: ReadonlyMap<string, ReadonlySet<number>>;
  readonly failed: number;
  /** Of the first that failed: what went wrong, with the seconds since the load began. */
  readonly failures: readonly string[];
  readonly repeated: readonly string[];
  /** As the servers that run at the end count them. */
  readonly duplicates: number;
}

interface Link {
  readonly code: string;
  readonly longUrl: string;
}

/** Clients on kept connections, which send nothing twice: by turns a create, and a redirect of a link of theirs. */
class Load {
  posts = 0;
  gets = 0;
  failed = 0;
  readonly failures: string[] = [];
  readonly repeated: string[] = [];
  readonly #client: GatewayClient;
  readonly #codes = new Set<string>();
  readonly #links: Link[] = [];
  readonly #beganMs = performance.now();
  readonly #running: Promise<unknown>;
  #isOver = false;

  constructor(url: string, { clients, pauseMs }: RestartsOptions) {
    this.#client = new GatewayClient(url, clients);
    this.#running = Promise.all(Array.from({ length: clients }, () => this.#run(pauseMs)));
  }

  get answered(): number {
    return this.posts + this.gets;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
    this.#client.close();
  }

  async #run(pauseMs: number): Promise<void> {
    for (let turn = 0; !this.#isOver; turn += 1) {
      try {
        await (turn % 2 === 0 ? this.#create() : this.#follow(this.#links[turn % this.#links.length]));
      } catch (error) {
        this.#fail(String(error));
      }
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }

  async #create(): Promise<void> {
    this.posts += 1;
    const longUrl = `https://example.com/${this.posts}`;
    const { status, body } = await this.#client.ask('POST', '/api/v1/urls', JSON.stringify({ long_url: longUrl }));
    if (status !== 201) return this.#fail(`POST: ${status} ${body}`);
    const { code } = JSON.parse(body) as { code: string };
    if (this.#codes.has(code)) this.repeated.push(code);
    this.#codes.add(code);
    this.#links[this.#codes.size % KEPT_LINKS] = { code, longUrl };
  }

  async #follow(link: Link | undefined): Promise<void> {
    if (link === undefined) return;
    this.gets += 1;
    const { status, headers, body } = await this.#client.ask('GET', `/${link.code}`);
    if (status !== 301 || headers.location !== link.longUrl) this.#fail(`GET: ${status} ${headers.location} ${body}`);
  }

  #fail(what: string): void {
    this.failed += 1;
    if (this.failures.length >= MAX_TOLD) return;
    this.failures.push(`${((performance.now() - this.#beganMs) / 1000).toFixed(3)} s: ${what}`);
  }
}

/** Restarts each service's servers in turn, all services side by side, under requests through the gateway. */
export async function restartsUnderLoad(options: RestartsOptions): Promise<RestartsOutcome> {
  const system = await DegradedStack.up({ shorten: 2, redirect: 2 }, {});
  try {
    const pids = new Map<string, Set<number>>();
    const notePids = () => {
      for (const { name, pid } of system.stack.running()) pids.set(name, (pids.get(name) ?? new Set()).add(pid));
    };
    notePids();
    const load = new Load(system.stack.addresses().url, options);
    try {
      for (let round = 0; round < 2 || load.answered < options.leastRequests; round += 1) {
        await system.stack.restart('shorten', 'redirect');
        notePids();
      }
    } finally {
      await load.stop();
    }
    const servers = ['shorten-1', 'shorten-2'];
    const duplicates = await Promise.all(servers.map((name) => system.metric(name, 'lakh_counters_duplicate_total')));
    const { posts, gets, failed, failures, repeated } = load;
    return {
      posts,
      gets,
      failed,
      failures,
      pids,
      repeated,
      duplicates: duplicates.reduce((sum, count) => sum + count, 0),
    };
  } finally {
    await system.down();
  }
}
