/**
 * Projects: `unit` (no server, no spawned process), `real` (ZooKeeper, MariaDB, Redis, nginx, Chromium), `system` (the built programs as a
 * user starts them), `beside` (hours of simulated time, which no clock hurries), `load` (programs that keep every core busy themselves), `vitess` (where Vitess is, or Go to build it) and `long` (minutes). Sources are compiled in memory by swc; tests that spawn a program run what `tsc -b` built.
 */
const shared = {
  rootDir: import.meta.dirname,
  transform: {
    '\\.(t|m?j)s$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  // These ship ES modules only, and jest loads CommonJS.
  transformIgnorePatterns: ['/node_modules/(?!(@noble|qr|sqids|tldts|tldts-core)/)', '/dist/'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^@lakh/(gateway|local)$': '<rootDir>/deploy/$1/src/index.ts',
    '^@lakh/loadtest$': '<rootDir>/loadtest/src/index.ts',
    '^@lakh/testkit$': '<rootDir>/test/kit/src/index.ts',
    '^@lakh/(nemesis|simulation)$': '<rootDir>/test/$1/src/index.ts',
    '^@lakh/backend/cluster$': '<rootDir>/packages/backend/src/cluster/index.ts',
    '^@lakh/([^/]+)/settings$': '<rootDir>/packages/$1/src/settings.ts',
    '^@lakh/([^/]+)$': '<rootDir>/packages/$1/src/index.ts',
  },
  modulePathIgnorePatterns: ['/dist/'],
  testEnvironment: 'node',
};

export default {
  testSequencer: '<rootDir>/scripts/test-order.mjs',
  // No test is about being done in five seconds, which a busy machine makes ten of; what hangs is found a little later.
  testTimeout: 20_000,
  // Of a suite's `test.concurrent`.
  maxConcurrency: 3,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['**/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '\\.(real|system|beside|load|long|vitess)\\.test\\.ts$'],
    },
    { ...shared, displayName: 'real', testMatch: ['**/test/**/*.real.test.ts'] },
    { ...shared, displayName: 'system', testMatch: ['**/test/**/*.system.test.ts'] },
    { ...shared, displayName: 'beside', testMatch: ['**/test/**/*.beside.test.ts'] },
    { ...shared, displayName: 'load', testMatch: ['**/test/**/*.load.test.ts'] },
    { ...shared, displayName: 'vitess', testMatch: ['**/test/**/*.vitess.test.ts'] },
    { ...shared, displayName: 'long', testMatch: ['**/test/**/*.long.test.ts'] },
  ],
};
