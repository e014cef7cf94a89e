/**
 * What this package uses of node-zookeeper-client 1.1.3, which has no types of its own. `connectionManager` is no public
 * API; connection.ts says why it is needed, and a test holds the pinned version to these shapes.
 */
declare module 'node-zookeeper-client' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  export interface ZkException extends Error {
    readonly code: number;
  }

  export interface ZkStat {
    readonly version: number;
    /** Session id of an ephemeral node's creator, zeros otherwise; 8 bytes. */
    readonly ephemeralOwner: Buffer;
  }

  export interface ZkState {
    readonly name: string;
  }

  export interface ZkAcl {
    readonly permission: number;
  }

  /** One entry for each operation of a transaction; `err` where it failed (or was not tried because another failed). */
  export interface ZkOpResult {
    readonly type: number;
    readonly err?: number;
  }

  export interface ZkServer {
    readonly host: string;
    readonly port: number;
  }

  export interface ZkConnectionManager {
    connect: () => void;
    findNextServer: (use: (server: ZkServer) => void) => void;
    onSocketData: (buffer: Buffer) => void;
    readonly socket: Socket | undefined;
    readonly connectTimeoutHandler: NodeJS.Timeout | null;
  }

  type Callback<A extends unknown[]> = (error: ZkException | null | undefined, ...results: A) => void;

  export interface ZkTransaction {
    create(path: string, data: Buffer, acls: readonly ZkAcl[], mode: number): this;
    check(path: string): this;
    commit(callback: Callback<[results?: readonly ZkOpResult[]]>): void;
  }

  export interface ZkClient extends EventEmitter {
    readonly connectionManager: ZkConnectionManager;
    connect(): void;
    close(): void;
    getSessionId(): Buffer;
    getSessionTimeout(): number;
    addAuthInfo(scheme: string, auth: Buffer): void;
    create(path: string, data: Buffer, acls: readonly ZkAcl[], mode: number, callback: Callback<[path: string]>): void;
    remove(path: string, version: number, callback: Callback<[]>): void;
    setData(path: string, data: Buffer, version: number, callback: Callback<[stat: ZkStat]>): void;
    getData(path: string, callback: Callback<[data: Buffer | undefined, stat: ZkStat]>): void;
    setACL(path: string, acls: readonly ZkAcl[], callback: Callback<[stat: ZkStat]>): void;
    exists(path: string, callback: Callback<[stat: ZkStat | null]>): void;
    getChildren(path: string, callback: Callback<[children: readonly string[], stat: ZkStat]>): void;
    transaction(): ZkTransaction;
  }

  const zookeeper: {
    createClient(
      connectionString: string,
      options: { sessionTimeout: number; spinDelay: number; retries: number },
    ): ZkClient;
    readonly ACL: { readonly OPEN_ACL_UNSAFE: readonly ZkAcl[]; readonly CREATOR_ALL_ACL: readonly ZkAcl[] };
    readonly CreateMode: { readonly PERSISTENT: 0; readonly EPHEMERAL: 1 };
    readonly State: {
      readonly SYNC_CONNECTED: ZkState;
      readonly EXPIRED: ZkState;
      readonly AUTH_FAILED: ZkState;
    };
    readonly Exception: Readonly<
      Record<
        'OK' | 'NO_NODE' | 'NO_AUTH' | 'BAD_VERSION' | 'NODE_EXISTS' | 'NOT_EMPTY' | 'INVALID_ACL' | 'BAD_ARGUMENTS',
        number
      >
    >;
  };
  export default zookeeper;
}
