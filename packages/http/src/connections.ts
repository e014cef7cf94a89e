/** The connections of one server: how many requests are unfinished on each, and which clients have stopped reading. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { streamOf } from './streams.js';

interface Connection {
  /** Handler requests of this connection that are unfinished (more than one only when the client pipelines). */
  pending: number;
  /** The latest of them. */
  last: ServerResponse | undefined;
  /** Bytes the client had taken at the last look, if some were waiting for it then; -1 otherwise. */
  sentAtLastCheck: number;
  /** What had come of its stream at the last look, if it had one that waited for the client then; -1 otherwise. */
  streamAtLastCheck: number;
  /** Those that came while another had the socket, and have not closed since. */
  readonly queued: Set<ServerResponse>;
  /** What those of them want to be told of that asked, at their end. */
  readonly endings: Map<ServerResponse, () => void>;
}

/** A request in flight. */
export interface Exchange {
  end(): void;
  /** Calls `ending` then. */
  onEnd(ending: () => void): void;
}

export class Connections {
  readonly #open = new Map<Duplex, Connection>();
  #inFlight = 0;
  #onNoneLeft: (() => void) | undefined;

  /** Requests that a handler has not finished. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get size(): number {
    return this.#open.size;
  }

  add(socket: Socket): void {
    const connection: Connection = {
      pending: 0,
      last: undefined,
      sentAtLastCheck: -1,
      streamAtLastCheck: -1,
      queued: new Set(),
      endings: new Map(),
    };
    this.#open.set(socket, connection);
    socket.once('close', () => {
      this.#open.delete(socket);
      for (const response of connection.queued) closeQueued(response);
      this.#inFlight -= connection.pending;
      connection.pending = 0;
      connection.last = undefined;
      for (const end of connection.endings.values()) end();
      if (this.#open.size === 0) this.#onNoneLeft?.();
    });
  }

  /** Counts a request as in flight until its response closes; `onClosed` is told then. */
  track(response: ServerResponse, onClosed: () => void): void {
    const connection = this.#open.get(response.req.socket);
    if (!connection) return;
    this.#inFlight += 1;
    connection.pending += 1;
    connection.last = response;
    if (response.socket === null) connection.queued.add(response);
    response.once('close', () => {
      connection.queued.delete(response);
      if (connection.pending === 0) return;
      connection.pending -= 1;
      this.#inFlight -= 1;
      if (connection.last === response) connection.last = undefined;
      if (connection.endings.size > 0) {
        connection.endings.get(response)?.();
        connection.endings.delete(response);
      }
      onClosed();
    });
  }

  /** Counts a request that has no response object as in flight until its `end`, or its connection's. */
  begin(socket: Duplex): Exchange {
    const connection = this.#open.get(socket);
    const endings: (() => void)[] = [];
    if (connection) {
      this.#inFlight += 1;
      connection.pending += 1;
      endings.push(() => {
        if (connection.pending === 0) return;
        connection.pending -= 1;
        this.#inFlight -= 1;
      });
    }
    return {
      end() {
        for (const ending of endings.splice(0)) ending();
      },
      onEnd: (ending) => void endings.push(ending),
    };
  }

  /** Calls `ending` once a request that is counted as in flight is no more. */
  onEnd(response: ServerResponse, ending: () => void): void {
    this.#open.get(response.req.socket)?.endings.set(response, ending);
  }

  /** Requests in flight that nothing can be done for before their bodies have arrived; looks at every connection. */
  countArriving(): number {
    let count = 0;
    for (const { last } of this.#open.values()) if (last && !last.req.complete && !streamOf(last)) count += 1;
    return count;
  }

  pendingOn(socket: Duplex): number {
    return this.#open.get(socket)?.pending ?? 0;
  }

  /** The latest unfinished response on a connection. */
  lastOn(socket: Duplex): ServerResponse | undefined {
    return this.#open.get(socket)?.last;
  }

  /** Cuts every client that has taken nothing of what waits for it since the last look, and ends every stream that has brought nothing. */
  cutStalled(): void {
    for (const [socket, connection] of this.#open) {
      const stream = connection.last && streamOf(connection.last);
      const progress = stream?.isWaiting ? stream.progress : -1;
      if (progress >= 0 && progress === connection.streamAtLastCheck) stream?.end('stalled');
      connection.streamAtLastCheck = progress;
      const sent = socket.writableLength === 0 ? -1 : (socket as Socket).bytesWritten - socket.writableLength;
      if (sent >= 0 && sent === connection.sentAtLastCheck) socket.destroy();
      connection.sentAtLastCheck = sent;
    }
  }

  /** Lets connections end with the answers under way. */
  announceEnd(): void {
    for (const { last } of this.#open.values()) {
      if (last && !last.headersSent) last.shouldKeepAlive = false;
      if (last) streamOf(last)?.end('stopping');
    }
  }

  /** Ends what never sent a byte: a browser's preconnect, which is active in Node's eyes. */
  endSilent(): void {
    for (const [socket, { last }] of this.#open) if (!last && (socket as Socket).bytesRead === 0) socket.destroy();
  }

  /** Resolves when none is left, or after `limitMs`. */
  async noneLeft(limitMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    const noneLeft = new Promise<void>((resolve) => {
      this.#onNoneLeft = resolve;
    });
    await withinLimit(noneLeft, limitMs);
  }

  cut(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }
}

/** Node tells only the response that has the socket that it has closed; whatever others hold they would hold for good. */
function closeQueued(response: ServerResponse): void {
  if (response.socket !== null || response.destroyed) return;
  response.destroy();
  response.emit('close');
}

async function withinLimit(done: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([done, limit]);
  clearTimeout(timer);
}
