import type { MemoryWitnesses } from '@lakh/testkit';
import { row } from './support.js';

export interface DamagedState {
  readonly what: string;
  readonly damage: (system: MemoryWitnesses) => void;
  /** The problem's code, and where repair refuses, that it does. */
  readonly code: string;
  readonly repair: 'raises' | 'refuses';
}

/** What a system that was used can be found as. */
export const DAMAGED_STATES: readonly DamagedState[] = [
  {
    what: 'ZooKeeper was wiped',
    damage: (s) => {
      s.mark = 'missing';
      s.markClusterId = 'missing';
    },
    code: 'mark_missing',
    repair: 'raises',
  },
  {
    what: 'the mark’s node alone is gone',
    damage: (s) => {
      s.mark = 'missing';
    },
    code: 'mark_missing',
    repair: 'raises',
  },
  {
    what: 'ZooKeeper was restored from an old copy',
    damage: (s) => {
      s.mark = { next: 200_000, ledgered: 100_000 };
    },
    code: 'zookeeper_forgot',
    repair: 'raises',
  },
  {
    what: 'somebody raised the mark by most of the space',
    damage: (s) => {
      s.mark = { next: 3_000_000_000_000, ledgered: 400_000 };
    },
    code: 'mark_implausible',
    repair: 'raises',
  },
  {
    what: 'the mark is one counter below the head',
    damage: (s) => {
      s.mark = { next: 399_999, ledgered: 300_000 };
    },
    code: 'zookeeper_forgot',
    repair: 'raises',
  },
  {
    what: 'a link is above the mark and the head',
    damage: (s) => {
      s.linkCounters = [...s.linkCounters, 523_456];
    },
    code: 'ledger_forgot',
    repair: 'raises',
  },
  {
    what: 'the ledger was restored from an old copy',
    damage: (s) => {
      s.head = 200_000;
      s.rows = s.rows.slice(0, 1);
    },
    code: 'ledger_forgot',
    repair: 'raises',
  },
  {
    what: 'the head is below a row',
    damage: (s) => {
      s.head = 300_000;
      s.mark = { next: 400_000, ledgered: 200_000 };
    },
    code: 'ledger_forgot',
    repair: 'raises',
  },
  {
    what: 'a row was lost from under links',
    damage: (s) => {
      s.rows = s.rows.filter(({ range }) => range.start !== 200_000);
    },
    code: 'ledger_forgot',
    repair: 'raises',
  },
  {
    what: 'the database was wiped',
    damage: (s) => {
      s.head = 'missing';
      s.rows = [];
      s.linkCounters = [];
    },
    code: 'ledger_missing',
    repair: 'raises',
  },
  {
    what: 'the head row alone is gone',
    damage: (s) => {
      s.head = 'missing';
    },
    code: 'ledger_missing',
    repair: 'raises',
  },
  {
    what: 'the mark is not a number',
    damage: (s) => {
      s.mark = { unreadable: 'one two' };
    },
    code: 'witness_corrupt',
    repair: 'raises',
  },
  {
    what: 'the mark is below the first one',
    damage: (s) => {
      s.mark = { next: 5, ledgered: 5 };
    },
    code: 'witness_corrupt',
    repair: 'raises',
  },
  {
    what: 'the mark’s second number is above its first',
    damage: (s) => {
      s.mark = { next: 400_000, ledgered: 400_001 };
    },
    code: 'witness_corrupt',
    repair: 'raises',
  },
  {
    what: 'the head is beyond the space',
    damage: (s) => {
      s.head = { unreadable: '99999999999999' };
    },
    code: 'witness_corrupt',
    repair: 'raises',
  },
  {
    what: 'the cluster id beside the mark is gone',
    damage: (s) => {
      s.markClusterId = 'missing';
    },
    code: 'witness_corrupt',
    repair: 'raises',
  },
  {
    what: 'ZooKeeper offers a remainder that the ledger does not have as released',
    damage: (s) => {
      s.entries = [{ start: 150_000, end: 200_000 }];
    },
    code: 'zookeeper_forgot',
    repair: 'raises',
  },
  {
    what: 'the witnesses belong to two systems',
    damage: (s) => {
      s.markClusterId = '00000000-0000-4000-8000-000000000002';
    },
    code: 'cluster_mismatch',
    repair: 'refuses',
  },
  {
    what: 'both witnesses are gone and links are there',
    damage: (s) => {
      s.mark = 'missing';
      s.markClusterId = 'missing';
      s.head = 'missing';
      s.rows = [];
    },
    code: 'ledger_not_empty',
    repair: 'refuses',
  },
  {
    what: 'two rows overlap',
    damage: (s) => {
      s.rows = [...s.rows, row(250_000, 260_000, { server: 'server-3' })];
    },
    code: 'range_overlap',
    repair: 'refuses',
  },
];
