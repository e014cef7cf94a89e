interface Flights<T> {
  readonly running: Promise<T>;
  next: Promise<T> | undefined;
}

/**
 * Reads that must not be older than the call that asks for them, and still few: of each key one runs, and one waits for it. Whoever comes
 * while one runs may have written after it left, so he joins the one that waits, which leaves later than he came.
 */
export class FreshFlights<T> {
  readonly #byKey = new Map<string, Flights<T>>();
  readonly #keysMax: number;

  /** @param keysMax of how many keys reads may run at once */
  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /** How many run. */
  get running(): number {
    return this.#byKey.size;
  }

  /** What a read that begins from now on finds; undefined: no place for it. `read` may be called later, or somebody else's for it. */
  join(key: string, read: () => Promise<T>): Promise<T> | undefined {
    const flights = this.#byKey.get(key);
    if (flights === undefined) return this.#byKey.size < this.#keysMax ? this.#run(key, read) : undefined;
    const next = () => this.#run(key, read);
    flights.next ??= flights.running.then(next, next);
    return flights.next;
  }

  #run(key: string, read: () => Promise<T>): Promise<T> {
    const flights: Flights<T> = { running: read(), next: undefined };
    this.#byKey.set(key, flights);
    const over = () => {
      // Otherwise the one that waited takes its place, in the same turn.
      if (flights.next === undefined) this.#byKey.delete(key);
    };
    flights.running.then(over, over);
    return flights.running;
  }
}
