import type { Socket } from 'node:net';
import { WitnessUnavailableError } from '@lakh/id-range';
import type { HostPort } from '@lakh/settings';
import zookeeper, { type ZkClient, type ZkConnectionManager } from 'node-zookeeper-client';
import { type CallKind, lost, type NodeConnection, refused, type ZkError, type ZkRequests } from './calls.js';

/**
 * One client of node-zookeeper-client that makes one connection to one server, has one session, and is thrown away with it.
 *
 * The library would reconnect by itself. It is not let, because its reconnecting (read in its source, 1.1.3)
 * - presents the highest zxid it has seen, so that an ensemble that was wiped refuses it for ever;
 * - keeps the beginning of a half-received answer and reads the next connection's first answer as its end;
 * - goes on after a close() that fell into a disconnection, and never starts again after an expired session;
 * - sends the credentials after whatever was queued meanwhile, and queues without bound.
 * A client that lives as long as its socket has none of these, and makes I2's rule easy: what was read on another
 * connection is never written upon.
 */
export interface ConnectionOptions {
  readonly server: HostPort;
  readonly sessionTimeoutMs: number;
  /** Of every call. */
  readonly deadlineMs: number;
  /** Of getting connected. */
  readonly connectDeadlineMs: number;
  readonly auth?: DigestAuth | undefined;
  readonly onConnected: () => void;
  /** Once, whatever ended it; never synchronously from the constructor. */
  readonly onEnded: (end: ConnectionEnd) => void;
}

export interface DigestAuth {
  readonly scheme: 'digest';
  /** `user:password`. */
  readonly credential: string;
}

export interface ConnectionEnd {
  readonly reason: string;
  /** The call that got no answer in time, when that is why. */
  readonly missedDeadline?: string | undefined;
  /** The server refused the credentials. */
  readonly authFailed: boolean;
  /** How long it was connected; 0 when it never was. */
  readonly connectedMs: number;
}

/** Calls that wait for an answer on one connection; past it, refuse: something hangs, and the callers are many. */
/** The end of what the library says of a code that it does not know: of a session that was closed because its client proved nothing. */
const CREDENTIALS_DEMANDED = 'code: -124';
const MAX_CALLS_IN_FLIGHT = 1_000;
const CLOSE_DEADLINE_MS = 1_000;

interface Call {
  readonly operation: string;
  readonly timer: NodeJS.Timeout;
  lose(reason: string): void;
}

export class Connection implements NodeConnection {
  readonly #options: ConnectionOptions;
  readonly #client: ZkClient;
  readonly #manager: ZkConnectionManager;
  readonly #socket: Socket;
  readonly #calls = new Set<Call>();
  readonly #connectTimer: NodeJS.Timeout;
  #silenceTimer: NodeJS.Timeout | undefined;
  #state: 'connecting' | 'connected' | 'ended' = 'connecting';
  #connectedAtMs = 0;
  #lastDataAtMs = 0;
  #socketError = '';

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { server } = options;
    // The address is a placeholder: the library's parser knows no IPv6, and the server is given to it below.
    this.#client = zookeeper.createClient('127.0.0.1:1', {
      sessionTimeout: options.sessionTimeoutMs,
      spinDelay: 0,
      retries: 0,
    });
    this.#manager = this.#client.connectionManager;
    if (options.auth) this.#client.addAuthInfo(options.auth.scheme, Buffer.from(options.auth.credential));
    this.#client.on('state', (state: unknown) => this.#onState(state));
    this.#guardSocketHandler();
    // Synchronously instead of on the next tick, so that the socket exists and can be destroyed at any time from here on.
    this.#manager.findNextServer = (use) => use({ host: server.host, port: server.port });
    this.#client.connect();
    // It is called again when the socket closes.
    this.#manager.connect = () => {};
    this.#socket = this.#manager.socket as Socket;
    this.#socket.on('error', (error) => {
      this.#socketError = `: ${error.message}`;
    });
    this.#socket.once('close', () => this.#end(`the connection was closed${this.#socketError}`));
    this.#connectTimer = setTimeout(() => {
      this.#end(`no session within ${options.connectDeadlineMs} ms`);
    }, options.connectDeadlineMs);
  }

  get connected(): boolean {
    return this.#state === 'connected';
  }

  /** For logs and for comparing with a node's ephemeral owner. Only while connected. */
  get sessionId(): string {
    return this.#client.getSessionId().toString('hex');
  }

  call<T>(
    kind: CallKind,
    operation: string,
    start: (client: ZkRequests, done: (error: ZkError | null | undefined, result: T) => void) => void,
  ): Promise<T> {
    if (this.#state !== 'connected') {
      return Promise.reject(new WitnessUnavailableError(`${operation}: the connection to ZooKeeper is gone`));
    }
    if (this.#calls.size >= MAX_CALLS_IN_FLIGHT) {
      return Promise.reject(
        new WitnessUnavailableError(`${operation}: ${MAX_CALLS_IN_FLIGHT} calls to ZooKeeper already wait for answers`),
      );
    }
    return new Promise<T>((resolve, reject) => {
      const call: Call = {
        operation,
        timer: setTimeout(() => {
          const reason = `no answer within ${this.#options.deadlineMs} ms`;
          this.#end(`${operation}: ${reason}`, { missedDeadline: operation });
        }, this.#options.deadlineMs),
        lose: (reason) => reject(lost(kind, operation, reason)),
      };
      this.#calls.add(call);
      const done = (error: ZkError | null | undefined, result: T) => {
        if (!this.#calls.delete(call)) return;
        clearTimeout(call.timer);
        if (error) reject(refused(kind, operation, error));
        else resolve(result);
      };
      try {
        start(this.#client, done);
      } catch (error) {
        this.#end(`${operation}: ${(error as Error).message}`);
      }
    });
  }

  /** Ends the session in order, or, when the server does not answer, by closing the socket. Never rejects. */
  async close(): Promise<void> {
    if (this.#state === 'ended') return;
    const wasConnected = this.#state === 'connected';
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#end('closed', { keepSocket: wasConnected });
    if (!wasConnected) return;
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_DEADLINE_MS);
    await closed;
    clearTimeout(timer);
  }

  #onState(state: unknown): void {
    const { State } = zookeeper;
    if (state === State.SYNC_CONNECTED && this.#state === 'connecting') {
      this.#state = 'connected';
      clearTimeout(this.#connectTimer);
      this.#connectedAtMs = performance.now();
      this.#watchSilence();
      this.#options.onConnected();
    } else if (state === State.EXPIRED) {
      this.#end('the session has expired');
    } else if (state === State.AUTH_FAILED) {
      this.#end('ZooKeeper refused the credentials', { authFailed: true });
    }
  }

  /**
   * The library throws inside its socket handler for what it does not know (an error code, an event type, a malformed
   * frame), which would end the process. Here it ends the connection, and with it the calls whose answers are now in doubt.
   */
  #guardSocketHandler(): void {
    const handle = this.#manager.onSocketData.bind(this.#manager);
    this.#manager.onSocketData = (buffer) => {
      if (this.#state === 'ended') return;
      this.#lastDataAtMs = performance.now();
      try {
        handle(buffer);
      } catch (error) {
        const { message } = error as Error;
        if (message.endsWith(CREDENTIALS_DEMANDED)) {
          this.#end('ZooKeeper serves nobody without credentials', { authFailed: true });
        } else {
          this.#end(`ZooKeeper sent something unexpected: ${message}`);
        }
      }
    };
  }

  /**
   * The library pings a silent server three times in a session timeout but does not miss the answers. Noticing here spares
   * the next lease its deadline, and (for a write) its range.
   */
  #watchSilence(): void {
    const timeoutMs = this.#client.getSessionTimeout();
    this.#lastDataAtMs = performance.now();
    this.#silenceTimer = setInterval(() => {
      const silentMs = performance.now() - this.#lastDataAtMs;
      if (silentMs > timeoutMs * 0.8) this.#end(`not even a ping answered for ${Math.round(silentMs)} ms`);
    }, timeoutMs / 5).unref();
  }

  #end(reason: string, { missedDeadline, authFailed = false, keepSocket = false }: EndDetails = {}): void {
    if (this.#state === 'ended') return;
    const connectedMs = this.#state === 'connected' ? performance.now() - this.#connectedAtMs : 0;
    this.#state = 'ended';
    clearTimeout(this.#connectTimer);
    clearInterval(this.#silenceTimer);
    // Its own timer survives a socket that is destroyed before it connects.
    if (this.#manager.connectTimeoutHandler) clearTimeout(this.#manager.connectTimeoutHandler);
    this.#client.removeAllListeners();
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const call of calls) {
      clearTimeout(call.timer);
      call.lose(reason);
    }
    // So that ZooKeeper forgets the session now, and not at its timeout; a frozen server reads it when it wakes.
    if (connectedMs > 0 && !this.#socket.destroyed) this.#client.close();
    if (!keepSocket) this.#socket.destroy();
    const end: ConnectionEnd = { reason, missedDeadline, authFailed, connectedMs };
    queueMicrotask(() => this.#options.onEnded(end));
  }
}

interface EndDetails {
  readonly missedDeadline?: string;
  readonly authFailed?: boolean;
  readonly keepSocket?: boolean;
}
