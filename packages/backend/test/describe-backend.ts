import {
  describeFactStore,
  describeLedger,
  describeLedgerRemainders,
  describeLinkStore,
  describeMarkStore,
  describeRemainderStore,
  describeReservationStore,
  describeWitnessAdmins,
  type LedgerHarness,
  SampleLinks,
} from '@lakh/testkit';
import type { Backend } from '../src/index.js';

/** A backend whose system nobody has used yet. */
export interface BackendHarness {
  /** The present one: `dropHead` may have to open it again. */
  readonly backend: () => Backend;
  /** One more on the same system, as another process has it; where there can be no other, the same. */
  another(): Promise<Backend>;
  /** Removes the head row and leaves the lease rows, as a partial loss would. */
  dropHead(): Promise<void>;
  dispose(): Promise<void>;
}

/** Every port of a backend passes its suite, as it comes out of the one function that opens it. */
export function describeBackend(name: string, open: () => Promise<BackendHarness>): void {
  const storeOf =
    <T>(port: (backend: Backend) => T) =>
    async () => {
      const { backend, another, dispose } = await open();
      return { store: port(backend()), another: async () => port(await another()), dispose };
    };
  const sample = new SampleLinks();

  async function ledger(): Promise<LedgerHarness> {
    const { backend, another, dropHead, dispose } = await open();
    return {
      ledger: through(() => backend().witnesses().ledger),
      another: async () => (await another()).witnesses().ledger,
      addGeneratedLink: async () => void (await backend().links.insert(sample.generated())),
      dropHead,
      dispose,
    };
  }

  describeMarkStore(
    name,
    storeOf((backend) => backend.witnesses().marks),
  );
  describeRemainderStore(
    name,
    storeOf((backend) => backend.witnesses().remainders),
  );
  describeLedger(name, ledger);
  describeLedgerRemainders(name, ledger);
  describeLinkStore(
    name,
    storeOf((backend) => backend.links),
  );
  describeReservationStore(
    name,
    storeOf((backend) => backend.reservations),
  );
  describeFactStore(name, async () => {
    const { backend, dispose } = await open();
    return { facts: backend().facts, dispose };
  });
  describeWitnessAdmins(name, async () => {
    const { backend, dispose } = await open();
    const { marks: markStore, ledger: serverLedger } = backend().witnesses();
    return {
      ...(await backend().admin()),
      markStore,
      serverLedger,
      async addLink(counter) {
        await backend().links.insert(sample.generated({ code: `c${counter}`, counter }));
      },
      dispose,
    };
  });
}

/** A port whose every call goes to whatever `present` is by then. */
function through<T extends object>(present: () => T): T {
  type Call = (...args: unknown[]) => unknown;
  return new Proxy({} as T, {
    get:
      (_, method) =>
      (...args: unknown[]) =>
        (present()[method as keyof T] as Call)(...args),
  });
}
