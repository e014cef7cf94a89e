import { type BusyCodes, mergeBusyCodes } from '@lakh/links';

export class MemoryBusyCodes implements BusyCodes {
  readonly #kept = new Map<number, readonly string[]>();

  async keep(domainId: number, codes: readonly string[]): Promise<void> {
    this.#kept.set(domainId, mergeBusyCodes(codes, this.#kept.get(domainId) ?? []));
  }

  async recall(domainId: number): Promise<readonly string[]> {
    return this.#kept.get(domainId) ?? [];
  }
}
