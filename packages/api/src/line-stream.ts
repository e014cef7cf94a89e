/**
 * A request of lines, answered in lines while it arrives: a result a line as soon as it is known, in the order of the lines. No more than so
 * many lines are between the two, read and not yet answered, so that who reads slowly is read slowly.
 *
 * The last line says how far it came. It ends before the body does where the server stops, the client has used up its allowance, or brings
 * nothing for too long; what was read until then was carried out, and has its results.
 */
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type BodyLine,
  type BodyLines,
  beginStream,
  PayloadTooLargeError,
  RequestTimeoutError,
  type RouteRequest,
  StoppingError,
  type Stream,
  type StreamEnd,
  toProblem,
} from '@lakh/http';
import type { ItemResult, ItemWork } from './batch-results.js';
import type { BatchCaller } from './callers.js';

/** Lines that are read and not answered; a statement of a store takes as many rows. */
const WINDOW_LINES = 1_000;
const WINDOW_BYTES = 512 * 1024;
/** What is written at once. */
const PIECE_LENGTH = 32 * 1024;

/**
 * A client that reads nothing before it has sent everything, or has a proxy before it that does not (nginx sends no more of a body once its answer
 * has begun), says so; its results are kept until then.
 */
const AFTER_BODY = /(?:^|[,;\s])answer-after-body(?:$|[,;\s])/i;
const KEPT_LINES = 10_000;
/** What so many lines come to whose body a gateway takes. */
const KEPT_LENGTH = 8 * 1024 * 1024;

/** How often it is looked whether the client's token still is one. */
const CHECK_MS = 1_000;

/** How long what is left of a body is read, so that its sender learns why nobody wants it. */
const LINGER_MS = 1_000;

export interface LineStreamOptions {
  readonly request: RouteRequest;
  readonly response: ServerResponse;
  readonly lines: BodyLines;
  readonly caller: Pick<BatchCaller, 'takeMore' | 'demandStill'>;
  readonly work: ItemWork;
}

interface Entry {
  readonly bytes: number;
  text: string | undefined;
}

export class LineStream implements Stream {
  progress = 0;
  readonly #request: RouteRequest;
  readonly #response: ServerResponse;
  readonly #lines: BodyLines;
  readonly #caller: Pick<BatchCaller, 'takeMore' | 'demandStill'>;
  readonly #work: ItemWork;
  readonly #entries: Entry[] = [];
  readonly #answersAfterBody: boolean;
  #kept: string[] = [];
  #keptLength = 0;
  #bytes = 0;
  #taken = 0;
  #lastTaken = 0;
  #failed = 0;
  #isRead = false;
  #checkedMs = performance.now();
  #error: unknown;
  #wakeReader = () => {};
  #wakeWriter = () => {};

  constructor({ request, response, lines, caller, work }: LineStreamOptions) {
    this.#request = request;
    this.#response = response;
    this.#lines = lines;
    this.#caller = caller;
    this.#work = work;
    this.#answersAfterBody = AFTER_BODY.test(String(request.headers.prefer ?? ''));
  }

  get isWaiting(): boolean {
    return this.#entries.length === 0 && !this.#isRead;
  }

  end(why: StreamEnd): void {
    this.#stop(
      why === 'stopping'
        ? new StoppingError('This server is about to stop; send the lines that follow again.')
        : new RequestTimeoutError('No line came for too long; send the lines that follow again.'),
    );
  }

  /** Resolves when the answer has ended. */
  async run(): Promise<void> {
    const response = this.#response;
    response.statusCode = 200;
    response.setHeader('content-type', 'application/x-ndjson');
    response.setHeader('cache-control', 'no-store');
    // A proxy that keeps answers back until they are larger is asked not to.
    response.setHeader('x-accel-buffering', 'no');
    beginStream(response, this);
    response.once('close', () => {
      this.#lines.stop();
      this.#wakeReader();
      this.#wakeWriter();
    });
    const written = this.#write();
    await this.#read();
    this.#isRead = true;
    this.#wakeWriter();
    await written;
    if (!response.destroyed) await this.#finish();
  }

  #stop(error: unknown): void {
    this.#error ??= error;
    this.#lines.stop();
    this.#wakeReader();
  }

  async #read(): Promise<void> {
    try {
      for await (const line of this.#lines) {
        if (!(await this.#hasRoom()) || !this.#take(line)) return;
      }
    } catch {
      // The client left in the middle: nobody to answer. What it sent until then is carried out.
    }
  }

  /** Whether one more line may be taken, once it may. */
  async #hasRoom(): Promise<boolean> {
    while (this.#entries.length >= WINDOW_LINES || this.#bytes >= WINDOW_BYTES) {
      if (this.#response.destroyed) return false;
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    return this.#error === undefined && !this.#response.destroyed;
  }

  /** False: neither this line nor another. */
  #take(line: BodyLine): boolean {
    try {
      if (this.#answersAfterBody && (this.#taken >= KEPT_LINES || this.#keptLength >= KEPT_LENGTH)) {
        throw new PayloadTooLargeError(
          `At most ${KEPT_LINES} lines, and 8 MiB of results, are answered after the body; send the rest by itself.`,
        );
      }
      const nowMs = performance.now();
      if (nowMs - this.#checkedMs > CHECK_MS) {
        this.#caller.demandStill();
        this.#checkedMs = nowMs;
      }
      // The first was counted as the request was let in.
      if (this.#taken > 0) this.#caller.takeMore(1);
    } catch (error) {
      this.#stop(error);
      return false;
    }
    this.#taken += 1;
    this.#lastTaken = line.number;
    this.progress += 1;
    const entry: Entry = { bytes: line.bytes, text: undefined };
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    void this.#resultOf(line).then((result) => {
      if (result.problem) this.#failed += 1;
      entry.text = `${JSON.stringify({ line: line.number, ...result })}\n`;
      if (this.#entries[0] === entry) this.#wakeWriter();
    });
    return true;
  }

  async #resultOf({ problem, value }: BodyLine): Promise<ItemResult> {
    if (problem === undefined) return this.#work(value);
    const { status, body } = toProblem(problem);
    return { status, problem: body };
  }

  async #write(): Promise<void> {
    while (!this.#response.destroyed) {
      if (this.#entries[0]?.text === undefined) {
        if (this.#isRead && this.#entries.length === 0) return;
        await new Promise<void>((resolve) => {
          this.#wakeWriter = resolve;
        });
        // Those that share its statement are known in the same turn.
        await nextTurn();
        continue;
      }
      const piece = this.#nextPiece();
      this.#wakeReader();
      if (this.#answersAfterBody && !this.#isRead) {
        this.#kept.push(piece);
        this.#keptLength += piece.length;
      } else await this.#send(piece);
    }
  }

  #nextPiece(): string {
    let piece = '';
    for (let first = this.#entries[0]; first?.text !== undefined; first = this.#entries[0]) {
      piece += first.text;
      this.#bytes -= first.bytes;
      this.#entries.shift();
      this.progress += 1;
      if (piece.length >= PIECE_LENGTH) break;
    }
    return piece;
  }

  /** Resolves once the client has room for more, or is gone. */
  async #send(text: string): Promise<void> {
    const response = this.#response;
    const kept = this.#kept.join('');
    this.#kept = [];
    if (response.destroyed || response.write(kept + text)) return;
    await new Promise<void>((resolve) => {
      const told = () => {
        response.off('drain', told).off('close', told);
        resolve();
      };
      response.once('drain', told).once('close', told);
    });
  }

  async #finish(): Promise<void> {
    const [response, request] = [this.#response, this.#request];
    const counts = { lines: this.#lastTaken, succeeded: this.#taken - this.#failed, failed: this.#failed };
    const { status, body, headers } = this.#error === undefined ? lastOfAll : toProblem(this.#error);
    const retryAfterS = headers['retry-after'];
    const end = {
      done: this.#error === undefined,
      ...counts,
      ...(body && { status, problem: body }),
      ...(retryAfterS === undefined ? {} : { retry_after_s: Number(retryAfterS) }),
    };
    await this.#send(`${JSON.stringify(end)}\n`);
    if (!request.complete) {
      await this.#linger();
      // What is left of the body is not read, so nothing can follow it.
      response.once('finish', () => request.socket.destroySoon());
    }
    if (!response.destroyed) response.end();
  }

  async #linger(): Promise<void> {
    const request = this.#request;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LINGER_MS);
      request.once('end', resolve).once('close', resolve);
      request.resume();
    });
    clearTimeout(timer);
  }
}

const lastOfAll = { status: undefined, body: undefined, headers: {} as Readonly<Record<string, string>> };
