import { readFileSync } from 'node:fs';
import { transformSync } from '@swc/core';
import { createInstrumenter } from 'istanbul-lib-instrument';

/** A copy of a module that counts which way it goes at each of its branches. */
export interface Counted<Exports> {
  readonly exports: Exports;
  /** The sides that were never taken, an `else` that is not written included, each by its line. */
  untaken(): string[];
}

interface FileCoverage {
  /** For each branch how often each of its sides was taken. */
  readonly b: Readonly<Record<string, readonly number[]>>;
  readonly branchMap: Readonly<Record<string, Branch>>;
}

interface Branch {
  readonly type: string;
  readonly loc: Location;
  readonly locations: readonly Location[];
}

interface Location {
  readonly start: Position;
  readonly end: Position;
}

interface Position {
  readonly line?: number;
  readonly column?: number;
}

/** @param file of a module that imports nothing */
export function countBranches<Exports extends object>(file: string): Counted<Exports> {
  const text = readFileSync(file, 'utf8');
  const instrumenter = createInstrumenter({
    esModules: true,
    compact: false,
    parserPlugins: ['typescript'],
    coverageVariable: 'counted',
    coverageGlobalScope: 'scope',
    coverageGlobalScopeFunc: false,
  });
  const { code } = transformSync(instrumenter.instrumentSync(text, file), {
    swcrc: false,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'commonjs' },
  });
  const scope: { counted?: Record<string, FileCoverage> } = {};
  const exports = {} as Exports;
  new Function('exports', 'scope', code)(exports, scope);
  const counts = scope.counted?.[file] as FileCoverage;
  return { exports, untaken: () => untaken(counts, text.split('\n')) };
}

function untaken({ b, branchMap }: FileCoverage, lines: readonly string[]): string[] {
  return Object.entries(b).flatMap(([id, counts]) => {
    const { type, loc, locations } = branchMap[id] as Branch;
    return counts.flatMap((count, side) => {
      const before = counts[side - 1];
      // Of `a || b` the sides are its terms: each has to be asked, and each but the last has to decide.
      const isEachWay = type === 'binary-expr' && before !== undefined ? count < before : true;
      if (count > 0 && isEachWay) return [];
      const { start } = locations[side]?.start.line === undefined ? loc : (locations[side] as Location);
      const line = start.line as number;
      return [`line ${line}, side ${side + 1} of ${type}: ${(lines[line - 1] as string).trim()}`];
    });
  });
}
