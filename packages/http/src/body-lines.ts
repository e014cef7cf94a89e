import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { MalformedJsonError, PayloadTooLargeError, type ProblemError } from './errors.js';

/** One line of a body: its JSON, or what is wrong with it. Blank lines are none, but are counted. */
export interface BodyLine {
  /** From 1 on. */
  readonly number: number;
  readonly bytes: number;
  readonly value?: unknown;
  readonly problem?: ProblemError;
}

const LINE_END = 0x0a;
/** The blanks of JSON that a line may have. */
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d]);

/**
 * A body of JSON lines, read as its lines are asked for and no faster: what is not asked for stays with the client. No more than one
 * chunk and one line is held.
 */
export class BodyLines implements AsyncIterable<BodyLine> {
  readonly #request: IncomingMessage;
  readonly #maxLineBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #number = 0;
  #isStopped = false;
  #wake = () => {};

  constructor(request: IncomingMessage, maxLineBytes: number) {
    this.#request = request;
    this.#maxLineBytes = maxLineBytes;
  }

  /** The last line that was read, complete or not; 0 before the first. */
  get number(): number {
    return this.#number;
  }

  /** No more lines: whoever waits for one is told that there is none. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  /** Ends with the body, or once it is stopped; rejects where the client left in the middle. */
  async *[Symbol.asyncIterator](): AsyncGenerator<BodyLine> {
    for (;;) {
      const chunk = await this.#nextChunk();
      if (chunk === undefined) break;
      let from = 0;
      for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
        const start = from;
        from = end + 1;
        // Of blank lines a megabyte has a million, and no limit counts them: they must cost next to nothing.
        if (this.#bytes === 0 && isBlank(chunk, start, end)) {
          this.#number += 1;
          continue;
        }
        this.#add(chunk.subarray(start, end));
        const line = this.#take();
        if (line) yield line;
        if (this.#isStopped) return;
      }
      this.#add(chunk.subarray(from));
    }
    const last = this.#isStopped || this.#bytes === 0 ? undefined : this.#take();
    if (last) yield last;
  }

  async #nextChunk(): Promise<Buffer | undefined> {
    const request = this.#request;
    for (;;) {
      if (this.#isStopped) return undefined;
      const chunk = request.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (request.readableEnded || request.complete) return undefined;
      if (request.destroyed) throw request.errored ?? new Error('the client left in the middle of its body');
      await this.#news();
    }
  }

  /** Resolves when something has come, when nothing will, or when it is stopped. */
  #news(): Promise<void> {
    const request = this.#request;
    const events = ['readable', 'end', 'close'] as const;
    return new Promise((resolve) => {
      const told = () => {
        for (const event of events) request.off(event, told);
        this.#wake = () => {};
        resolve();
      };
      this.#wake = told;
      for (const event of events) request.once(event, told);
    });
  }

  /** Of a line that is too long only its length is kept. */
  #add(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#maxLineBytes) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  #take(): BodyLine | undefined {
    const [pieces, bytes] = [this.#pieces, this.#bytes];
    this.#pieces = [];
    this.#bytes = 0;
    this.#number += 1;
    const number = this.#number;
    if (bytes > this.#maxLineBytes) {
      const problem = new PayloadTooLargeError(`The line is longer than ${this.#maxLineBytes} bytes.`);
      return { number, bytes: 0, problem };
    }
    const line = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
    if (!isUtf8(line)) return { number, bytes, problem: new MalformedJsonError('The line is not valid UTF-8.') };
    let text = line.toString('utf8');
    if (number === 1 && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    if (text.trim() === '') return undefined;
    try {
      return { number, bytes, value: JSON.parse(text) };
    } catch {
      return { number, bytes, problem: new MalformedJsonError('The line is not valid JSON.') };
    }
  }
}

function isBlank(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (!BLANKS.has(bytes[at] as number)) return false;
  return true;
}
