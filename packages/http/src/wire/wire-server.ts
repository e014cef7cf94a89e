/** The wire lane of a server: the connections that are in it, what they may do, and how they end. ADR 0027 says why there is one. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Answer } from '../answer.js';
import type { Connections } from '../connections.js';
import type { Places } from '../places.js';
import { AnswerText, type AnswerTextOptions } from './answer-text.js';
import { OneBuffer } from './one-buffer.js';
import type { PlainRequest } from './plain-request.js';
import { WireConnection, type WireHost } from './wire-connection.js';
import type { WireLane } from './wire-lane.js';

const SWEEP_MS = { least: 50, most: 1000 } as const;

export interface WireServerOptions extends AnswerTextOptions {
  readonly server: Server;
  readonly lane: WireLane;
  readonly connections: Connections;
  readonly places: Places;
  readonly maxHeaderBytes: number;
  readonly maxUrlLength: number;
  readonly headersTimeoutMs: number;
  readonly isOwn: (host: string, socket: Socket) => boolean;
  /** Ends a connection that has sent nothing for the whole of `headersTimeoutMs`. */
  readonly onSilent: (socket: Socket) => void;
  readonly onError: (error: unknown, request: PlainRequest) => void;
}

export class WireServer implements WireHost {
  readonly text: AnswerText;
  readonly lane: WireLane;
  readonly buffer = new OneBuffer();
  readonly maxBytes: number;
  readonly #options: WireServerOptions;
  readonly #connections = new Set<WireConnection>();
  readonly #toHttp: (socket: Socket) => void;
  #isDraining = false;

  constructor(options: WireServerOptions) {
    const { server, headersTimeoutMs, keepAliveTimeoutMs } = options;
    this.#options = options;
    this.text = new AnswerText(options);
    this.lane = options.lane;
    this.maxBytes = Math.min(options.maxHeaderBytes, options.maxUrlLength);
    this.#toHttp = takeListener(server);
    const sweepMs = Math.max(SWEEP_MS.least, Math.min(SWEEP_MS.most, headersTimeoutMs / 2, keepAliveTimeoutMs / 2));
    const sweep = setInterval(() => this.#sweep(performance.now()), sweepMs).unref();
    server.once('close', () => clearInterval(sweep));
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Of a connection that was let in. */
  take(socket: Socket): void {
    this.#connections.add(new WireConnection(socket, this));
  }

  leave(connection: WireConnection): void {
    this.#connections.delete(connection);
  }

  handOver(socket: Socket): void {
    this.#toHttp(socket);
  }

  isOwn(host: string, socket: Socket): boolean {
    return this.#options.isOwn(host, socket);
  }

  begin(request: PlainRequest): { readonly answer: Promise<Answer>; readonly end: () => void } | undefined {
    const { places, connections } = this.#options;
    if (places.refusalOf(request) !== undefined) return undefined;
    const answer = this.lane.later(request);
    if (answer === undefined) return undefined;
    const exchange = connections.begin(request.socket);
    places.hold(request, exchange.onEnd);
    return { answer, end: exchange.end };
  }

  fail(error: unknown, request: PlainRequest): void {
    this.#options.onError(error, request);
    request.socket.destroy();
  }

  startDraining(): void {
    this.#isDraining = true;
    this.text.close();
  }

  closeIdle(): void {
    // Those that never sent a byte are ended like anybody else's.
    for (const connection of this.#connections) if (!connection.isWaited && connection.answered > 0) connection.close();
  }

  /** Looks for who has been silent or idle for too long: with no work a request, and up to a sweep late. */
  #sweep(nowMs: number): void {
    const { headersTimeoutMs, keepAliveTimeoutMs, onSilent } = this.#options;
    for (const connection of this.#connections) {
      const { socket, answered, isWaited } = connection;
      if (isWaited || answered !== connection.answeredAtSweep || socket.writableLength > 0) {
        connection.answeredAtSweep = answered;
        connection.idleSinceMs = nowMs;
      } else if (answered === 0) {
        if (nowMs - connection.idleSinceMs < headersTimeoutMs) continue;
        connection.giveUp();
        onSilent(socket);
      } else if (nowMs - connection.idleSinceMs >= keepAliveTimeoutMs) {
        connection.close();
      }
    }
  }
}

/** Node's own listener of new connections, which it has taken off: it is given those that leave the lane, as `emit('connection')` would. */
function takeListener(server: Server): (socket: Socket) => void {
  const [listener, ...others] = server.listeners('connection');
  if (listener === undefined || others.length > 0) throw new Error('node:http listens for connections in another way');
  server.off('connection', listener as (socket: Socket) => void);
  return (socket) => void listener.call(server, socket);
}
