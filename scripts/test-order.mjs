/**
 * The order of test suites. jest begins with those that took longest the last time, so that none is left to run alone at the end; in a fresh
 * clone it knows no times and goes by the files' sizes, which say little here: these begin, the longest first.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Sequencer from '@jest/test-sequencer';
import { root } from './ensure.mjs';

const LONGEST = [
  'deploy/local/test/stack.system.test.ts',
  'test/system/nemesis.system.test.ts',
  'test/system/bad-start.system.test.ts',
  'test/system/degraded-zookeeper.system.test.ts',
  'test/system/sealed-rotation.system.test.ts',
  'test/system/repair.system.test.ts',
  'test/system/degraded-issuing.system.test.ts',
  'test/system/operations/running-server.system.test.ts',
  'packages/redirects/test/wire-lane.test.ts',
  'test/system/standalone/program.system.test.ts',
  'test/system/rolling-restarts.system.test.ts',
  'packages/mysql/test/stores.real.test.ts',
  'packages/sqlite/test/conformance.test.ts',
].map((file) => join(root, file));

export default class Order extends Sequencer {
  sort(tests) {
    const gone = LONGEST.filter((file) => !existsSync(file));
    if (gone.length > 0) throw new Error(`scripts/test-order.mjs names what is not there: ${gone.join(', ')}`);
    const sorted = super.sort(tests);
    if (sorted.some(({ duration }) => duration !== undefined)) return sorted;
    const place = ({ path }) => (LONGEST.includes(path) ? LONGEST.indexOf(path) : LONGEST.length);
    return sorted.sort((a, b) => place(a) - place(b));
  }
}
