import type { FactStore } from '@lakh/facts';
import type { CounterWitness, Ledger, LedgerAdmin, MarkAdmin, MarkStore, RemainderStore } from '@lakh/id-range';
import type { LinkInspector } from '@lakh/links';
import { Connection, openError } from './connection.js';
import { openFactStore } from './facts.js';
import { openCounterWitness, openInspector } from './inspector.js';
import { openLedger } from './ledger.js';
import { openLedgerAdmin } from './ledger-admin.js';
import { type EmbeddedLinkStore, openLinkStore } from './link-store.js';
import { openMarkAdmin } from './mark-admin.js';
import { openMarkStore } from './marks.js';
import { openRemainderStore } from './remainders.js';
import { inspect, migrate, SCHEMA_VERSION } from './schema.js';

/** The part of a pino logger that is used here. */
export interface EmbeddedLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface EmbeddedOptions {
  /** The data file; it and its folder are made when missing. `-wal` stands beside it while it is open. */
  readonly file: string;
  readonly log?: EmbeddedLog;
}

/** What an operator's tools need of the file, for one namespace. */
export interface EmbeddedAdmin {
  readonly marks: MarkAdmin;
  readonly ledger: LedgerAdmin;
  readonly counters: CounterWitness;
  readonly links: LinkInspector;
}

/** Every port of Lakh on one SQLite file, for one machine with no servers installed. */
export interface Embedded {
  readonly file: string;
  markStore(namespace: string): MarkStore;
  ledger(namespace: string): Ledger;
  remainderStore(namespace: string): RemainderStore;
  readonly links: EmbeddedLinkStore;
  readonly facts: FactStore;
  /** `feedsLinks`: whether this namespace's counters become links. */
  admin(namespace: string, feedsLinks: boolean): EmbeddedAdmin;
  /** Commits what waits and gives up the file; calls after it are refused as unavailable. Synchronous. */
  close(): void;
}

/**
 * Opens, or makes, the data file and keeps it for this process alone.
 *
 * @throws DataDirInUseError when another process has it
 * @throws DataFileInvalidError, DataFileNewerError or DataDirUnusableError, each naming the file
 */
export function openEmbedded({ file, log }: EmbeddedOptions): Embedded {
  const connection = Connection.open(file);
  try {
    const found = inspect(connection, file);
    connection.enterWal();
    migrate(connection, file, found);
    if (found === 0) log?.info({ file, schemaVersion: SCHEMA_VERSION }, 'data file made');
    else if (found < SCHEMA_VERSION) log?.info({ file, found, schemaVersion: SCHEMA_VERSION }, 'data file migrated');
    const links = openLinkStore(connection);
    return {
      file,
      markStore: (namespace) => openMarkStore(connection, namespace),
      ledger: (namespace) => openLedger(connection, namespace),
      remainderStore: (namespace) => openRemainderStore(connection, namespace),
      links,
      facts: openFactStore(connection),
      admin: (namespace, feedsLinks) => ({
        marks: openMarkAdmin(connection, namespace),
        ledger: openLedgerAdmin(connection, namespace),
        counters: openCounterWitness(connection, feedsLinks),
        links: openInspector(connection, file),
      }),
      close() {
        if (!connection.isOpen) return;
        links.flush();
        try {
          connection.close();
        } catch (error) {
          // Every answered write is durable; the lock goes with the process.
          log?.warn({ file, err: error }, 'data file not folded into one at the end; the next start does it');
        }
      },
    };
  } catch (error) {
    connection.abandon();
    throw openError(file, error);
  }
}
