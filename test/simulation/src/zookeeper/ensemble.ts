/**
 * A ZooKeeper ensemble in memory, as far as Lakh can tell it from a real one. Writes are linearizable. Reads are answered from what
 * the follower at the other end of the connection has applied, which may be old; a write, or a transaction that only checks, brings that
 * follower up to date. Restored from a copy, it knows no session any more.
 */

/** Answers, by ZooKeeper's own numbers. */
export const CODES = { ok: 0, noNode: -101, badVersion: -103, nodeExists: -110, notEmpty: -111, notTried: -2 } as const;

export interface Stat {
  readonly version: number;
  readonly ephemeralOwner: Buffer;
}

export type ZkOp =
  | { readonly op: 'create'; readonly path: string; readonly data: Buffer }
  | { readonly op: 'check'; readonly path: string };

export type ZkRequest =
  | { readonly op: 'getData' | 'exists' | 'getChildren'; readonly path: string }
  | { readonly op: 'create'; readonly path: string; readonly data: Buffer }
  | { readonly op: 'setData'; readonly path: string; readonly data: Buffer; readonly version: number }
  | { readonly op: 'remove'; readonly path: string; readonly version: number }
  | { readonly op: 'transaction'; readonly path: string; readonly ops: readonly ZkOp[] };

export interface ZkAnswer {
  readonly code: number;
  readonly data?: Buffer;
  readonly stat?: Stat | null;
  readonly children?: readonly string[];
  readonly codes?: readonly number[];
}

interface Node {
  readonly data: Buffer;
  readonly version: number;
}

/** A node as it has been since `zxid`. */
interface Since {
  readonly zxid: number;
  readonly node: Node | undefined;
}

export interface EnsembleCopy {
  readonly nodes: ReadonlyMap<string, Node>;
}

/** The server's end of a session. */
export interface ZkServerSession {
  /** The process at the other end. */
  readonly owner: string;
  isOpen: boolean;
  /** What the follower at this connection has applied. */
  applied: number;
  /** The client hears that the session is over. */
  onEnded: () => void;
}

export interface EnsembleWatcher {
  /** A node was written or removed by a request, not by a disaster. */
  written(owner: string, path: string, from: Buffer | undefined, to: Buffer | undefined): void;
}

/** Stands between a request and its answer: a service that answers anything. */
export type Liar = (request: ZkRequest, truth: ZkAnswer) => ZkAnswer;

const NOBODY = Buffer.alloc(8);

export class Ensemble {
  #zxid = 0;
  #history = new Map<string, Since[]>();
  readonly #sessions = new Set<ZkServerSession>();
  readonly #watcher: EnsembleWatcher | undefined;
  liar: Liar | undefined;

  constructor(watcher?: EnsembleWatcher) {
    this.#watcher = watcher;
  }

  openSession(owner: string, onEnded: () => void): ZkServerSession {
    const session = { owner, isOpen: true, applied: this.#zxid, onEnded };
    this.#sessions.add(session);
    return session;
  }

  sessionsOf(owner: string): readonly ZkServerSession[] {
    return [...this.#sessions].filter((session) => session.owner === owner);
  }

  /** As a client that ends it does, or its timeout: what it sends later is refused. */
  closeSession(session: ZkServerSession): void {
    session.isOpen = false;
    this.#sessions.delete(session);
  }

  expireSessions(owner?: string): void {
    for (const session of [...this.#sessions]) {
      if (owner !== undefined && session.owner !== owner) continue;
      this.closeSession(session);
      session.onEnded();
    }
  }

  /** As it stands, or as it stood before its last `writes`. */
  copy(writes = 0): EnsembleCopy {
    const nodes = new Map<string, Node>();
    for (const path of this.#history.keys()) {
      const node = this.#at(path, this.#zxid - writes);
      if (node !== undefined) nodes.set(path, node);
    }
    return { nodes };
  }

  restore({ nodes }: EnsembleCopy): void {
    this.expireSessions();
    this.#zxid = 0;
    this.#history = new Map([...nodes].map(([path, node]) => [path, [{ zxid: 0, node }]]));
  }

  wipe(): void {
    this.restore({ nodes: new Map() });
  }

  /** What is stored now, without a client. */
  peek(path: string): Buffer | undefined {
    return this.#at(path, this.#zxid)?.data;
  }

  /** Overwrites or makes a node behind everybody's back. */
  put(path: string, data: Buffer): void {
    const node = this.#at(path, this.#zxid);
    this.#set(path, { data, version: (node?.version ?? -1) + 1 });
  }

  /** `isLagging`: the follower answers a read from what it has applied so far. The session has to be open. */
  request(session: ZkServerSession, request: ZkRequest, isLagging: boolean): ZkAnswer {
    if (!isLagging) session.applied = this.#zxid;
    const truth = this.#answer(session, request);
    return this.liar?.(request, truth) ?? truth;
  }

  #answer(session: ZkServerSession, request: ZkRequest): ZkAnswer {
    switch (request.op) {
      case 'getData':
      case 'exists': {
        const node = this.#at(request.path, session.applied);
        return node ? { code: CODES.ok, data: node.data, stat: statOf(node) } : { code: CODES.noNode };
      }
      case 'getChildren': {
        if (this.#at(request.path, session.applied) === undefined) return { code: CODES.noNode };
        return { code: CODES.ok, children: this.#children(request.path, session.applied) };
      }
      default: {
        const answer = this.#write(session.owner, request);
        session.applied = this.#zxid;
        return answer;
      }
    }
  }

  #write(owner: string, request: Exclude<ZkRequest, { readonly op: 'getData' | 'exists' | 'getChildren' }>): ZkAnswer {
    if (request.op === 'transaction') return this.#transaction(owner, request.ops);
    const { path } = request;
    const node = this.#at(path, this.#zxid);
    if (request.op === 'create') {
      const code = this.#mayCreate(path);
      if (code === CODES.ok) this.#apply(owner, path, { data: request.data, version: 0 });
      return { code };
    }
    if (node === undefined) return { code: CODES.noNode };
    if (request.version !== -1 && request.version !== node.version) return { code: CODES.badVersion };
    if (request.op === 'setData') {
      const written = { data: request.data, version: node.version + 1 };
      this.#apply(owner, path, written);
      return { code: CODES.ok, stat: statOf(written) };
    }
    if (this.#children(path, this.#zxid).length > 0) return { code: CODES.notEmpty };
    this.#apply(owner, path, undefined);
    return { code: CODES.ok };
  }

  /** All or nothing; nobody needs a transaction here in which one operation rests on another. */
  #transaction(owner: string, ops: readonly ZkOp[]): ZkAnswer {
    const codes = ops.map((op) => {
      if (op.op === 'create') return this.#mayCreate(op.path);
      return this.#at(op.path, this.#zxid) === undefined ? CODES.noNode : CODES.ok;
    });
    const failed = codes.findIndex((code) => code !== CODES.ok);
    if (failed >= 0) {
      return { code: CODES.ok, codes: codes.map((code, i) => (i < failed ? 0 : i === failed ? code : CODES.notTried)) };
    }
    for (const op of ops) if (op.op === 'create') this.#apply(owner, op.path, { data: op.data, version: 0 });
    return { code: CODES.ok, codes };
  }

  #mayCreate(path: string): number {
    const parent = path.slice(0, path.lastIndexOf('/'));
    if (parent !== '' && this.#at(parent, this.#zxid) === undefined) return CODES.noNode;
    return this.#at(path, this.#zxid) === undefined ? CODES.ok : CODES.nodeExists;
  }

  #apply(owner: string, path: string, node: Node | undefined): void {
    const from = this.#at(path, this.#zxid)?.data;
    this.#set(path, node);
    this.#watcher?.written(owner, path, from, node?.data);
  }

  #set(path: string, node: Node | undefined): void {
    this.#zxid += 1;
    const since = { zxid: this.#zxid, node };
    const past = this.#history.get(path);
    if (past === undefined) this.#history.set(path, [since]);
    else past.push(since);
  }

  #at(path: string, zxid: number): Node | undefined {
    const past = this.#history.get(path);
    if (past === undefined) return undefined;
    for (let i = past.length - 1; i >= 0; i -= 1) {
      const since = past[i] as Since;
      if (since.zxid <= zxid) return since.node;
    }
    return undefined;
  }

  #children(path: string, zxid: number): string[] {
    const names: string[] = [];
    for (const child of this.#history.keys()) {
      if (child.lastIndexOf('/') !== path.length || !child.startsWith(path)) continue;
      if (this.#at(child, zxid) !== undefined) names.push(child.slice(path.length + 1));
    }
    return names;
  }
}

function statOf({ version }: Node): Stat {
  return { version, ephemeralOwner: NOBODY };
}
