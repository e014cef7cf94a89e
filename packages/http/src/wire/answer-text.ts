/** Answers as node:http writes them: the same lines in the same order, so that nobody can tell the lanes apart. */
import { STATUS_CODES } from 'node:http';
import type { Answer } from '../answer.js';
import { HSTS } from '../responses.js';

const SECOND_MS = 1000;

const STATUS_LINES: readonly (string | undefined)[] = Object.entries(STATUS_CODES).reduce<string[]>(
  (lines, [status, reason]) => {
    lines[Number(status)] = `HTTP/1.1 ${status} ${reason}\r\n`;
    return lines;
  },
  [],
);

const HSTS_LINE = `${HSTS.join(': ')}\r\n`;

export interface AnswerTextOptions {
  readonly keepAliveTimeoutMs: number;
  /** Whether browsers are told to come by https from now on. */
  readonly isHttps: boolean;
}

export class AnswerText {
  readonly #keepAlive: string;
  readonly #hsts: string;
  #end: string | undefined;
  #isLast = false;

  constructor({ keepAliveTimeoutMs, isHttps }: AnswerTextOptions) {
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeoutMs / SECOND_MS)}\r\n\r\n`;
    this.#hsts = isHttps ? HSTS_LINE : '';
  }

  /** From now on each answer ends its connection. */
  close(): void {
    this.#isLast = true;
    this.#end = undefined;
  }

  /** @param lines of the headers, each with its end, none of them Node's own; without a body */
  ofLines(status: number, lines: string): string {
    return `${STATUS_LINES[status]}${lines}${this.#hsts}${this.#ending()}`;
  }

  of({ status, headers, body }: Answer, isHead: boolean): string {
    // Node writes a list as it is, and an object behind what was set before it.
    const lines = Array.isArray(headers)
      ? `${linesOf(headers)}${this.#hsts}`
      : `${this.#hsts}${linesOf(Object.entries(headers).flat())}`;
    return `${STATUS_LINES[status]}${lines}${this.#ending()}${isHead ? '' : body}`;
  }

  /** The same for a second; Node caches its own date like this. */
  #ending(): string {
    if (this.#end !== undefined) return this.#end;
    const now = new Date();
    this.#end = `Date: ${now.toUTCString()}\r\n${this.#isLast ? 'Connection: close\r\n\r\n' : this.#keepAlive}`;
    setTimeout(() => {
      this.#end = undefined;
    }, SECOND_MS - now.getMilliseconds()).unref();
    return this.#end;
  }
}

function linesOf(headers: readonly (string | number)[]): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return lines;
}
