/** A ZooKeeper that answers anything: marks of any height, success to every write, and as remainders what anybody ever leased. */
import type { Randomness } from '@lakh/id-range';
import type { LeaseRow } from './database/tables.js';
import { CODES, type Liar, type ZkAnswer } from './zookeeper/ensemble.js';

export interface LieOptions {
  readonly random: Randomness;
  readonly rangeSize: number;
  /** What is on record now. */
  readonly rows: () => readonly LeaseRow[];
  told(lie: string): void;
}

const MARK = /^(\d+) (\d+)$/;

export function liar({ random, rangeSize, rows, told }: LieOptions): Liar {
  const mark = (truth: ZkAnswer): ZkAnswer => {
    const parts = MARK.exec(truth.data?.toString('latin1') ?? '');
    if (parts === null || random() < 0.7) return truth;
    told('a lie about the mark');
    const next = Math.max(100_000 + Math.floor(random() * 20) * rangeSize, Number(parts[2]));
    return { ...truth, data: Buffer.from(`${next} 0`) };
  };
  const cut = ({ start, end }: LeaseRow): string => {
    const from = random() < 0.7 ? start : start + Math.floor(random() * (end - start));
    return `${from}-${random() < 0.8 ? end : end + 1}`;
  };
  return (request, truth) => {
    switch (request.op) {
      case 'getData':
        return request.path.endsWith('/next') ? mark(truth) : truth;
      case 'getChildren': {
        const leased = rows();
        if (leased.length === 0 || random() < 0.6) return truth;
        const children = [0, 1].map(() => cut(leased[Math.floor(random() * leased.length)] as LeaseRow));
        told('a lie about remainders');
        return { code: CODES.ok, children: [...new Set(children)] };
      }
      case 'setData':
        return truth.code === CODES.ok ? truth : success('write');
      case 'remove':
        return truth.code === CODES.ok ? truth : success('deletion');
      default:
        return truth;
    }
  };

  function success(what: string): ZkAnswer {
    told(`a lie about a ${what}`);
    return { code: CODES.ok, stat: { version: 1, ephemeralOwner: Buffer.alloc(8) } };
  }
}
