import {
  BUCKETS,
  bucketOf,
  type CopyChange,
  type CopyChanges,
  type CopyHolder,
  type CopyMove,
  type CopyPlace,
  endOfCopyState,
  type LinkCopy,
  type StoredLink,
} from '@lakh/links';

/** What a server of a copy has in its memory. */
export class MemoryCopyServer {
  readonly states = new Map<number, string>();
  readonly links = new Map<string, StoredLink>();
  /** Everything that subscribers were told. */
  readonly published: CopyChange[] = [];
  /** While set, nothing is written: reads go on. */
  refusal: Error | undefined;

  /** What is in it now; the function makes it so again, as a restart from a snapshot does. */
  snapshot(): () => void {
    const [states, links] = [[...this.states], [...this.links]];
    return () => {
      this.states.clear();
      this.links.clear();
      for (const [bucket, text] of states) this.states.set(bucket, text);
      for (const [key, link] of links) this.links.set(key, link);
    };
  }

  /** Drops the links that it has, as a server does that needs the memory. */
  evict(): void {
    this.links.clear();
  }
}

const keyOf = (epoch: string, { domainId, code }: Pick<StoredLink, 'domainId' | 'code'>) =>
  `${bucketOf(domainId, code)}:${epoch}:${domainId}:${code}`;

/** The CopyHolder contract on a map. */
class MemoryCopyHolder implements CopyHolder {
  readonly buckets: readonly number[];
  readonly #server: MemoryCopyServer;
  readonly #ending = new AbortController();
  readonly #arrive: () => Promise<void>;

  constructor(server: MemoryCopyServer, buckets: readonly number[], arrive: () => Promise<void>) {
    this.#server = server;
    this.buckets = buckets;
    this.#arrive = arrive;
  }

  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  end(): void {
    this.#ending.abort();
  }

  read(buckets: readonly number[]): Promise<readonly string[]> {
    return this.#call(() => buckets.map((bucket) => this.#server.states.get(bucket) ?? ''));
  }

  advance(moves: readonly CopyMove[]): Promise<readonly boolean[]> {
    return this.#write(() => moves.map((move) => this.#move(move)));
  }

  apply(move: CopyMove, { epoch, changes }: CopyChanges): Promise<boolean> {
    return this.#write(() => {
      if (!this.#move(move)) return false;
      for (const change of changes) {
        const key = keyOf(epoch, change);
        if (change.link === undefined) this.#server.links.delete(key);
        else this.#server.links.set(key, change.link);
        this.#server.published.push(change);
      }
      return true;
    });
  }

  fill(link: StoredLink, at: CopyPlace): Promise<boolean> {
    return this.#write(() => {
      const state = this.#server.states.get(bucketOf(link.domainId, link.code));
      if (!state?.endsWith(endOfCopyState(at))) return false;
      this.#server.links.set(keyOf(at.epoch, link), link);
      return true;
    });
  }

  get(domainId: number, code: string, epoch: string): Promise<StoredLink | undefined> {
    return this.#call(() => this.#server.links.get(keyOf(epoch, { domainId, code })));
  }

  #move({ bucket, from, to }: CopyMove): boolean {
    if ((this.#server.states.get(bucket) ?? '') !== from) return false;
    this.#server.states.set(bucket, to);
    return true;
  }

  #write<T>(write: () => T): Promise<T> {
    return this.#call(() => {
      if (this.#server.refusal) throw this.#server.refusal;
      return write();
    });
  }

  async #call<T>(run: () => T): Promise<T> {
    this.#ending.signal.throwIfAborted();
    await this.#arrive();
    this.#ending.signal.throwIfAborted();
    return run();
  }
}

/** The LinkCopy contract over one server in memory, which is lost and found by {@link lose} and {@link find}. */
export class MemoryLinkCopy implements LinkCopy {
  /** Runs before each call reaches the server: a test delays the call by a promise. */
  gate: (() => Promise<void> | void) | undefined;
  readonly server: MemoryCopyServer;
  readonly #buckets: readonly number[];
  readonly #followers = new Set<(holder: CopyHolder) => void>();
  #holder: MemoryCopyHolder | undefined;

  constructor(server = new MemoryCopyServer(), buckets = Array.from({ length: BUCKETS }, (_, bucket) => bucket)) {
    this.server = server;
    this.#buckets = buckets;
    this.find();
  }

  holderOf(bucket: number): CopyHolder | undefined {
    return this.#buckets.includes(bucket) ? this.#holder : undefined;
  }

  follow(began: (holder: CopyHolder) => void): () => void {
    this.#followers.add(began);
    if (this.#holder) began(this.#holder);
    return () => void this.#followers.delete(began);
  }

  lose(): void {
    this.#holder?.end();
    this.#holder = undefined;
  }

  find(): void {
    this.lose();
    this.#holder = new MemoryCopyHolder(this.server, this.#buckets, async () => this.gate?.());
    for (const began of this.#followers) began(this.#holder);
  }
}
