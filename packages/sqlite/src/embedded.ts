import type { FactStore } from '@lakh/facts';
import type { CounterWitness, Ledger, LedgerAdmin, MarkAdmin, MarkStore, RemainderStore } from '@lakh/id-range';
import type { LinkInspector, ReservationStore } from '@lakh/links';
import { Connection, openError } from './connection.js';
import { type DataFileError, RestoreNeededError } from './errors.js';
import { openFactStore } from './facts.js';
import { openCounterWitness, openInspector } from './inspector.js';
import { openLedger } from './ledger.js';
import { openLedgerAdmin } from './ledger-admin.js';
import { type EmbeddedLinkStore, openLinkStore } from './link-store.js';
import { makeFile } from './make-file.js';
import { openMarkAdmin } from './mark-admin.js';
import { openMarkStore } from './marks.js';
import {
  enter,
  enterCopy,
  foldCopy,
  hasLog,
  leave,
  leaveWal,
  own,
  reasonToRefuse,
  reasonToRefuseOpen,
} from './opening.js';
import { openRemainderStore } from './remainders.js';
import { openReservationStore } from './reservations.js';
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
  /** Also a copy of a file that was open is opened. It remains one, and is refused the next time, until {@link Embedded.restored}. */
  readonly takesCopy?: boolean;
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
  readonly reservations: ReservationStore;
  readonly facts: FactStore;
  /** `feedsLinks`: whether this namespace's counters become links. */
  admin(namespace: string, feedsLinks: boolean): EmbeddedAdmin;
  /** The file stands above everything that may have been issued: it is a copy no more. */
  restored(): void;
  /** Commits what waits and gives up the file; calls after it are refused as unavailable. Synchronous. */
  close(): void;
}

/**
 * Opens, or makes, the data file and keeps it for this process alone.
 *
 * @throws DataDirInUseError when another process has it
 * @throws RestoreNeededError when it is a copy of a file that was open
 * @throws DataFileInvalidError, DataFileNewerError or DataDirUnusableError, each naming the file
 */
export function openEmbedded({ file, log, takesCopy = false }: EmbeddedOptions): Embedded {
  const refuse = (reason: DataFileError | undefined): boolean => {
    if (reason !== undefined && !(takesCopy && reason instanceof RestoreNeededError)) throw reason;
    return reason !== undefined;
  };
  makeFile(file, (fields, message) => log?.warn(fields, message));
  const looksCopied = refuse(reasonToRefuse(file));
  const hadLog = hasLog(file);
  const connection = Connection.open(file);
  try {
    const found = inspect(connection, file);
    let isCopy = refuse(reasonToRefuseOpen(connection, file, hadLog)) || looksCopied;
    if (isCopy) foldCopy(connection, file);
    else if (found < SCHEMA_VERSION) leaveWal(connection);
    migrate(connection, file, found);
    if (isCopy) enterCopy(connection);
    else enter(connection, file);
    if (found === 0) log?.info({ file, schemaVersion: SCHEMA_VERSION }, 'data file made');
    else if (found < SCHEMA_VERSION) log?.info({ file, found, schemaVersion: SCHEMA_VERSION }, 'data file migrated');
    const links = openLinkStore(connection);
    const reservations = openReservationStore(connection);
    const close = (): void => {
      process.off('exit', close);
      if (!connection.isOpen) return;
      reservations.flush();
      links.flush();
      try {
        if (!isCopy) leave(connection);
        connection.close();
      } catch (error) {
        connection.abandon();
        // Every answered write is durable; the lock goes with the process.
        log?.warn({ file, err: error }, 'data file not folded into one at the end; the next start does it');
      }
    };
    // A process that ends without a signal lets SQLite fold the log and remove it, and the file would say that it lacks one.
    process.on('exit', close);
    return {
      file,
      markStore: (namespace) => openMarkStore(connection, namespace),
      ledger: (namespace) => openLedger(connection, namespace),
      remainderStore: (namespace) => openRemainderStore(connection, namespace),
      links,
      reservations,
      facts: openFactStore(connection),
      admin: (namespace, feedsLinks) => ({
        marks: openMarkAdmin(connection, namespace),
        ledger: openLedgerAdmin(connection, namespace),
        counters: openCounterWitness(connection, feedsLinks),
        links: openInspector(connection, file),
      }),
      restored() {
        if (isCopy) own(connection, file);
        isCopy = false;
      },
      close,
    };
  } catch (error) {
    connection.abandon();
    throw openError(file, error);
  }
}
