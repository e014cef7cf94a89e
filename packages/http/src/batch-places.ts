import type { ServerResponse } from 'node:http';
import { OverloadedError, TooManyInFlightError } from './errors.js';

/** Places for requests that bring very many changes, and those that one client may hold. */
const PLACES = 32;
const PLACES_OF_ONE = PLACES / 4;

/** A request that brings very many changes holds memory that others lack while it lasts. */
export class BatchPlaces {
  readonly #held = new Map<string, number>();
  #taken = 0;

  /**
   * Gives a client's request a place until it is answered.
   *
   * @throws OverloadedError, TooManyInFlightError
   */
  hold(client: string, response: ServerResponse): void {
    const held = this.#held.get(client) ?? 0;
    if (held >= PLACES_OF_ONE) {
      throw new TooManyInFlightError('Too many batches of this client are in flight; try again later.');
    }
    if (this.#taken >= PLACES) throw new OverloadedError('Too many batches are in flight; try again later.');
    this.#held.set(client, held + 1);
    this.#taken += 1;
    response.once('close', () => {
      this.#taken -= 1;
      const left = (this.#held.get(client) as number) - 1;
      if (left > 0) this.#held.set(client, left);
      else this.#held.delete(client);
    });
  }
}
