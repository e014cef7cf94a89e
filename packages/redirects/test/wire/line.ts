/** A client's end of one connection to a server of this process, which sees when the server has read and said all there is. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Served } from './servers.js';

export class Line {
  received = '';
  /** By the server: it says no more. */
  hasEnded = false;
  #sent = 0;
  #bytes = 0;
  readonly #socket: Socket;
  #theirs: Socket | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const end = () => {
      this.hasEnded = true;
    };
    // A reset is a way to end.
    socket.on('error', end).once('end', end).once('close', end);
    socket.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      this.received += chunk.toString('latin1');
    });
  }

  static async open({ port, sockets }: Served): Promise<Line> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const line = new Line(socket);
    await once(socket, 'connect');
    const { localPort } = socket as { localPort: number };
    while (!sockets.has(localPort) && !line.hasEnded) await turn();
    line.#theirs = sockets.get(localPort);
    return line;
  }

  send(piece: string): void {
    if (this.hasEnded || !this.#socket.writable) return;
    this.#socket.write(piece, 'latin1');
    this.#sent += piece.length;
  }

  end(): void {
    this.#socket.end();
  }

  /** Whether the server has taken all that was sent. */
  get isRead(): boolean {
    return this.hasEnded || this.#theirs === undefined || this.#theirs.bytesRead >= this.#sent;
  }

  /** Whether what the server has said has arrived. */
  get isHeard(): boolean {
    if (this.hasEnded || this.#theirs === undefined) return this.hasEnded;
    if (this.#theirs.destroyed || this.#theirs.writableEnded) return false;
    return this.#theirs.bytesWritten === this.#bytes;
  }

  /** As a client that goes away. */
  close(): void {
    if (!this.#socket.destroyed) this.#socket.resetAndDestroy();
  }
}

let thisTurn: Promise<void> | undefined;

/** The next turn of the loop; however many wait for it, it is one. */
export function turn(): Promise<void> {
  thisTurn ??= new Promise((resolve) => {
    setImmediate(() => {
      thisTurn = undefined;
      resolve();
    });
  });
  return thisTurn;
}
