import type { Socket } from 'node:net';
import type { Answer } from '../answer.js';
import type { AnswerText } from './answer-text.js';
import type { OneBuffer } from './one-buffer.js';
import { PlainRequest } from './plain-request.js';
import { type Recognised, recognise } from './recogniser.js';
import type { WireLane, WireReply } from './wire-lane.js';

/** Of a request whose fields are kept for the next one of its connection to be compared with: they hold all that came with them. */
const KNOWN_BYTES_MAX = 2048;

/** What the connections of a lane have in common. */
export interface WireHost {
  readonly text: AnswerText;
  readonly lane: WireLane;
  readonly buffer: OneBuffer;
  /** A chunk of so many bytes is node:http's: whether it is too long is its to say. */
  readonly maxBytes: number;
  readonly isDraining: boolean;
  isOwn(host: string, socket: Socket): boolean;
  /** Undefined where the request is not the lane's, or there is no place for it. */
  begin(request: PlainRequest): { readonly answer: Promise<Answer>; readonly end: () => void } | undefined;
  /** Tells of an error, and ends the connection. */
  fail(error: unknown, request: PlainRequest): void;
  /** A connection is in the lane no more. */
  leave(connection: WireConnection): void;
  handOver(socket: Socket): void;
}

/**
 * One connection while each of its chunks is exactly one request of the grammar. What comes before an answer is kept until that is sent: one chunk, for the
 * socket is paused then. It ends by going to node:http with the first chunk that is anything else, or by closing.
 */
export class WireConnection implements WireReply {
  readonly socket: Socket;
  readonly #host: WireHost;
  /** Its bytes are in the common buffer, until the next ones are read. */
  readonly #isReadTogether: boolean;
  /** The last request, if it is worth comparing with; its Host is this server's. */
  #known: Recognised | undefined;
  /** The end of the exchange that is under way. */
  #endExchange: (() => void) | undefined;
  /** What came meanwhile. */
  #kept: Buffer | undefined;
  #isOver = false;
  /** Grows with whatever was answered. */
  answered = 0;
  /** As `answered` was at the last sweep, and the time since which it has been that; for the sweep. */
  answeredAtSweep = 0;
  idleSinceMs = performance.now();

  constructor(socket: Socket, host: WireHost) {
    this.socket = socket;
    this.#host = host;
    this.#isReadTogether = host.buffer.read(socket, this.#onRead);
    if (!this.#isReadTogether) socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  get isWaited(): boolean {
    return this.#endExchange !== undefined;
  }

  send(status: number, lines: string): void {
    this.#write(this.#host.text.ofLines(status, lines), 'latin1');
  }

  /** Whatever comes from now on is answered no more; somebody else ends the connection. */
  giveUp(): void {
    this.#isOver = true;
    this.#host.leave(this);
  }

  /** Once what is on its way has been sent. */
  close(): void {
    this.giveUp();
    this.socket.destroySoon();
  }

  readonly #onData = (chunk: Buffer): void => this.#onRead(chunk.length, chunk);

  readonly #onRead = (length: number, buffer: Buffer): void => {
    if (this.#isOver) return;
    if (this.#endExchange !== undefined) {
      this.#kept = this.#own(length, buffer);
      this.socket.pause();
      return;
    }
    if (!this.#answer(length, buffer)) this.#handOver(this.#own(length, buffer));
  };

  /** The bytes of a chunk, to keep. */
  #own(length: number, buffer: Buffer): Buffer {
    return this.#isReadTogether ? Buffer.from(buffer.subarray(0, length)) : buffer;
  }

  /** False: it is not for this lane, and nothing was done. */
  #answer(length: number, buffer: Buffer): boolean {
    if (length >= this.#host.maxBytes) return false;
    const recognised = recognise(buffer, this.#known, length);
    if (recognised === undefined) return false;
    const request = new PlainRequest(recognised, this.socket);
    const { answered } = this;
    try {
      return this.#isOwn(recognised, length) && (this.#host.lane.hit(request, this) || this.#follow(request));
    } catch (error) {
      // What nothing was sent of meets the same error behind node:http, which answers it.
      if (this.answered === answered) return false;
      this.#host.fail(error, request);
      return true;
    }
  }

  #isOwn(recognised: Recognised, bytes: number): boolean {
    if (recognised.host !== this.#known?.host && !this.#host.isOwn(recognised.host, this.socket)) return false;
    if (recognised.fields !== this.#known?.fields && bytes <= KNOWN_BYTES_MAX) this.#known = recognised;
    return true;
  }

  #follow(request: PlainRequest): boolean {
    const exchange = this.#host.begin(request);
    if (exchange === undefined) return false;
    this.#endExchange = exchange.end;
    exchange.answer
      .then((answer) => this.#finish(answer, request))
      .catch((error: unknown) => this.#host.fail(error, request));
    return true;
  }

  #finish(answer: Answer, { method }: PlainRequest): void {
    if (this.socket.destroyed) return;
    this.#end();
    // Its client has ended its side, and with it the connection, as node:http has it.
    if (!this.socket.writable) return;
    const isHead = method === 'HEAD';
    this.#write(this.#host.text.of(answer, isHead), isHead || answer.body === '' ? 'latin1' : 'utf8');
    const kept = this.#kept;
    if (kept === undefined) return;
    this.#kept = undefined;
    if (!this.#isOver && !this.#answer(kept.length, kept)) this.#handOver(kept);
    else if (!this.socket.writableNeedDrain) this.socket.resume();
  }

  #write(text: string, encoding: 'latin1' | 'utf8'): void {
    this.answered += 1;
    const isTaken = this.socket.write(text, encoding);
    if (this.#host.isDraining) {
      this.#isOver = true;
      this.socket.destroySoon();
    } else if (!isTaken) {
      // Whoever reads nothing is not read from either.
      this.socket.pause();
    }
  }

  readonly #onDrain = (): void => {
    if (this.#kept === undefined) this.socket.resume();
  };

  readonly #onEnd = (): void => {
    this.socket.end();
  };

  /** The socket is destroyed by it, which says all. */
  readonly #onError = (): void => {};

  readonly #onClose = (): void => {
    this.#end();
    this.#host.leave(this);
  };

  #end(): void {
    this.#endExchange?.();
    this.#endExchange = undefined;
  }

  /** To node:http, for good; it reads the chunk as the first of a connection. */
  #handOver(chunk: Buffer): void {
    const { socket } = this;
    if (this.#isReadTogether) this.#host.buffer.release(socket);
    else socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('drain', this.#onDrain);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
    this.#host.leave(this);
    // Whatever is in the socket's own buffer is behind it, and flows once it has a reader.
    socket.pause();
    socket.unshift(chunk);
    this.#host.handOver(socket);
    socket.resume();
  }
}
