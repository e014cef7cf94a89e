import {
  COUNTER_SPACE_END,
  type Mark,
  type MarkSnapshot,
  type MarkStore,
  type MarkWrite,
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
export type MarkNodeCopy = { readonly node: Node | undefined };

/**
 * One mark in memory, shared by as many clients as are asked for. Stores the text a coordination service would store, so
 * that a mark can be corrupt. Restoring or wiping ends every session, as replacing a real service's data does.
 */
export class MemoryMarkNode {
  #node: Node | undefined;
  #sessions = 0;
  #expiredBelow = 0;

  client(): MarkStore {
    let session = this.#sessions++;
    const currentSession = () => {
      if (session < this.#expiredBelow) session = this.#sessions++;
      return session;
    };
    return {
      read: async () => this.#read(currentSession()),
      write: async (version, mark) => this.#write(currentSession(), version as SessionVersion, mark),
      create: async (mark, clusterId) => this.#create(mark, clusterId),
    };
  }

  /** The mark as it stands, without a client; undefined when missing or corrupt. */
  peek(): Mark | undefined {
    return this.#node && parse(this.#node.text);
  }

  copy(): MarkNodeCopy {
    return { node: this.#node };
  }

  restore(copy: MarkNodeCopy): void {
    this.expireSessions();
    this.#node = copy.node;
  }

  wipe(): void {
    this.restore({ node: undefined });
  }

  expireSessions(): void {
    this.#expiredBelow = this.#sessions;
  }

  /** Overwrites the stored text behind everybody's back. */
  corrupt(text: string): void {
    this.#node = { text, clusterId: this.#node?.clusterId ?? 'none', version: (this.#node?.version ?? 0) + 1 };
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

function format(mark: Mark): string {
  return `${mark.next} ${mark.ledgered}`;
}

function parse(text: string): Mark | undefined {
  const match = /^(0|[1-9]\d{0,15}) (0|[1-9]\d{0,15})$/.exec(text);
  if (!match) return undefined;
  const mark = { next: Number(match[1]), ledgered: Number(match[2]) };
  return mark.next <= COUNTER_SPACE_END && mark.ledgered <= COUNTER_SPACE_END ? mark : undefined;
}
