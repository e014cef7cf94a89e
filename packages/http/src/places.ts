/**
 * Places for requests in flight. While half of them are free nobody asks whose a request is. Of the other half a client may hold as many as it
 * leaves free, so that however many ask, there is a place for one more. A request whose body is still arriving needs none: it costs its
 * connection alone, and those are limited by themselves.
 */
import type { Connections } from './connections.js';
import { OverloadedError, type ProblemError, TooManyInFlightError } from './errors.js';
import type { RequestHead } from './request-head.js';

/** Bodies that are arriving are counted by looking at every connection; each request pays for so many looks. */
const LOOKS_A_REQUEST = 64;

export class Places {
  readonly #all: number;
  readonly #connections: Connections;
  readonly #clientOf: (request: RequestHead) => string | undefined;
  readonly #held = new Map<string, number>();
  #arriving = 0;
  #looksPaid = 0;

  /** @param clientOf undefined: not limited by itself */
  constructor(all: number, connections: Connections, clientOf: (request: RequestHead) => string | undefined) {
    this.#all = all;
    this.#connections = connections;
    this.#clientOf = clientOf;
  }

  /** Why there is no place for a request. */
  refusalOf(request: RequestHead): ProblemError | undefined {
    if (this.#connections.inFlight < this.#all / 2) return undefined;
    this.#countArriving();
    const free = this.#free();
    if (free > this.#all / 2) return undefined;
    if (free <= 0) return new OverloadedError('Too many requests are in flight; try again later.');
    const client = this.#clientOf(request);
    if (client === undefined || (this.#held.get(client) ?? 0) < free) return undefined;
    return new TooManyInFlightError('Too many requests of this client are in flight; try again later.');
  }

  /** Notes whose a request is that was given a place, where that matters; `onEnd` takes what is to be called at its end. */
  hold(request: RequestHead, onEnd: (ending: () => void) => void): void {
    const isCrowded = this.#connections.inFlight > this.#all / 2 && this.#free() < this.#all / 2;
    const client = isCrowded ? this.#clientOf(request) : undefined;
    if (client === undefined) return;
    this.#held.set(client, (this.#held.get(client) ?? 0) + 1);
    onEnd(() => {
      const left = (this.#held.get(client) ?? 0) - 1;
      if (left > 0) this.#held.set(client, left);
      else this.#held.delete(client);
    });
  }

  #countArriving(): void {
    this.#looksPaid += LOOKS_A_REQUEST;
    if (this.#looksPaid < this.#connections.size) return;
    this.#looksPaid = 0;
    this.#arriving = this.#connections.countArriving();
  }

  #free(): number {
    return this.#all - Math.max(0, this.#connections.inFlight - this.#arriving);
  }
}
