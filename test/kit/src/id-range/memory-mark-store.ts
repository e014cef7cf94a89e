import {
  COUNTER_SPACE_END,
  type CounterRange,
  type Mark,
  type MarkSnapshot,
  type MarkStore,
  type MarkWrite,
  type Remainder,
  type RemainderList,
  type RemainderStore,
  WitnessCorruptError,
} from '@lakh/id-range';

interface Node {
  readonly text: string;
  readonly clusterId: string;
  readonly version: number;
}

/** What a version is here: the node's version, good only on the session that read it. */
interface SessionVersion {
  readonly session: number;
  readonly node: number;
}

/** An old copy of a {@link MemoryMarkNode}, for restoring it. */
export type MarkNodeCopy = { readonly node: Node | undefined; readonly released: ReadonlySet<string> };

/** `<start>-<end>`, as a coordination service would name the node. */
const REMAINDER_NAME = /^([1-9]\d{0,12})-([1-9]\d{0,12})$/;

/**
 * One mark in memory, with the remainders that stand beside it, shared by as many clients as are asked for. Stores the text a coordination service would store, so
 * that a mark can be corrupt. Restoring or wiping ends every session, as replacing a real service's data does.
 */
export class MemoryMarkNode {
  #node: Node | undefined;
  #released: ReadonlySet<string> = new Set();
  #sessions = 0;
  #expiredBelow = 0;

  client(): MarkStore {
    const currentSession = this.#openSession();
    return {
      read: async () => this.#read(currentSession()),
      write: async (version, mark) => this.#write(currentSession(), version as SessionVersion, mark),
      create: async (mark, clusterId) => this.#create(mark, clusterId),
    };
  }

  remainders(): RemainderStore {
    const currentSession = this.#openSession();
    return {
      list: async (limit) => this.#list(currentSession(), limit),
      publish: async (range) => this.#publish(range),
      claim: async (remainder) => this.#claim(currentSession(), remainder),
    };
  }

  /** Names of the remainders as they stand. */
  get released(): readonly string[] {
    return [...this.#released];
  }

  /** Makes a node under the remainders behind everybody's back. */
  addReleased(name: string): void {
    this.#released = new Set([...this.#released, name]);
  }

  /** The mark as it stands, without a client; undefined when missing or corrupt. */
  peek(): Mark | undefined {
    return this.#node && parse(this.#node.text);
  }

  copy(): MarkNodeCopy {
    return { node: this.#node, released: this.#released };
  }

  restore(copy: MarkNodeCopy): void {
    this.expireSessions();
    this.#node = copy.node;
    this.#released = copy.released;
  }

  wipe(): void {
    this.restore({ node: undefined, released: new Set() });
  }

  expireSessions(): void {
    this.#expiredBelow = this.#sessions;
  }

  /** Overwrites the stored text behind everybody's back. */
  corrupt(text: string): void {
    this.#node = { text, clusterId: this.#node?.clusterId ?? 'none', version: (this.#node?.version ?? 0) + 1 };
  }

  #openSession(): () => number {
    let session = this.#sessions++;
    return () => {
      if (session < this.#expiredBelow) session = this.#sessions++;
      return session;
    };
  }

  #list(session: number, limit: number): RemainderList {
    const ranges = this.released.flatMap((name) => rangeOf(name) ?? []);
    const remainders = ranges
      .sort((a, b) => a.start - b.start || a.end - b.end)
      .slice(0, limit)
      .map((range) => ({ range, version: session }));
    return { remainders, malformed: this.#released.size - ranges.length };
  }

  #publish(range: CounterRange): 'published' | 'exists' {
    const name = `${range.start}-${range.end}`;
    if (!rangeOf(name)) throw new RangeError(`not a range: ${name}`);
    if (this.#released.has(name)) return 'exists';
    this.addReleased(name);
    return 'published';
  }

  #claim(session: number, { range, version }: Remainder): 'claimed' | 'gone' {
    const name = `${range.start}-${range.end}`;
    if (version !== session || !this.#released.has(name)) return 'gone';
    this.#released = new Set(this.released.filter((other) => other !== name));
    return 'claimed';
  }

  #read(session: number): MarkSnapshot | 'missing' {
    if (!this.#node) return 'missing';
    const mark = parse(this.#node.text);
    if (!mark) throw new WitnessCorruptError(`the mark is not two counters: ${JSON.stringify(this.#node.text)}`);
    return { mark, clusterId: this.#node.clusterId, version: { session, node: this.#node.version } };
  }

  #write(session: number, version: SessionVersion, mark: Mark): MarkWrite {
    if (!this.#node || version.session !== session || version.node !== this.#node.version) return { outcome: 'stale' };
    this.#node = { ...this.#node, text: format(mark), version: version.node + 1 };
    return { outcome: 'written', witnessVersion: this.#node.version };
  }

  #create(mark: Mark, clusterId: string): 'created' | 'exists' {
    if (this.#node) return 'exists';
    this.#node = { text: format(mark), clusterId, version: 0 };
    return 'created';
  }
}

function rangeOf(name: string): CounterRange | undefined {
  const match = REMAINDER_NAME.exec(name);
  if (!match) return undefined;
  const range = { start: Number(match[1]), end: Number(match[2]) };
  return range.start < range.end && range.end <= COUNTER_SPACE_END ? range : undefined;
}

function format(mark: Mark): string {
  return `${mark.next} ${mark.ledgered}`;
}

function parse(text: string): Mark | undefined {
  const match = /^(0|[1-9]\d{0,15}) (0|[1-9]\d{0,15})$/.exec(text);
  if (!match) return undefined;
  const mark = { next: Number(match[1]), ledgered: Number(match[2]) };
  return mark.next <= COUNTER_SPACE_END && mark.ledgered <= COUNTER_SPACE_END ? mark : undefined;
}
