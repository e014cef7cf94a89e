import type { Reservation, ReservationStore } from '@lakh/links';

/** The ReservationStore contract on a map. */
export class MemoryReservationStore implements ReservationStore {
  readonly #kept: Map<string, Reservation>;

  /** `sharing`: this store keeps its reservations where that one does, as another process of one database. */
  constructor(sharing?: MemoryReservationStore) {
    this.#kept = sharing ? sharing.#kept : new Map();
  }

  get size(): number {
    return this.#kept.size;
  }

  async find(keyHash: string): Promise<Reservation | undefined> {
    return this.#kept.get(keyHash);
  }

  async reserve(keyHash: string, reservation: Reservation, instead?: Reservation): Promise<Reservation | undefined> {
    const present = this.#kept.get(keyHash);
    if (present !== undefined && present.insertId !== instead?.insertId) return present;
    this.#kept.set(keyHash, reservation);
    return reservation;
  }

  async forget(beforeMs: number, limit: number): Promise<number> {
    const old = [...this.#kept].filter(([, { reservedAtMs }]) => reservedAtMs < beforeMs).slice(0, limit);
    for (const [key] of old) this.#kept.delete(key);
    return old.length;
  }
}
