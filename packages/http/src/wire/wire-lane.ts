import type { Answer } from '../answer.js';
import type { PlainRequest } from './plain-request.js';

/** Sends the answer to the request in hand, in this tick. */
export interface WireReply {
  /** @param lines of the headers, each with its end, which hold no byte that ends a line early; there is no body */
  send(status: number, lines: string): void;
}

/**
 * What a face answers at the wire: requests of a grammar that has no other kinds (recogniser.ts), of whose Host it is known that it is
 * this server's. All that it leaves is node:http's.
 */
export interface WireLane {
  /** Answers in the same tick. False: nothing was sent nor counted. */
  hit(request: PlainRequest, reply: WireReply): boolean;
  /** Undefined: it has touched nothing. It never rejects. */
  later(request: PlainRequest): Promise<Answer> | undefined;
}
