/** `npm run loadtest -- SCENARIO`: a k6 scenario with the service's objectives as thresholds. See loadtest/README.md. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLakh } from './bench/lakh-servers.js';
import { type LoadtestConfig, readConfig, readLoadtestConfig } from './config.js';
import { findK6 } from './k6/find-k6.js';
import { LOADTEST_HELP, type LoadtestOptions, parseLoadtest } from './k6/options.js';
import { EXIT_THRESHOLD, runK6 } from './k6/run-k6.js';
import { formatLoadtest, type LoadtestReport, readSummary } from './k6/summary.js';
import { progress, runMain, type Scope } from './scope.js';

const root = join(import.meta.dirname, '..', '..');
const cacheDir = join(root, 'node_modules', '.cache', 'lakh');
/** What test runners take for "skipped". */
const EXIT_SKIPPED = 77;

async function run(options: LoadtestOptions, config: LoadtestConfig, scope: Scope): Promise<LoadtestReport> {
  const { scenario, parameters, loadSeconds } = options;
  const token = options.tokenFile === undefined ? config.token : (await readFile(options.tokenFile, 'utf8')).trim();
  const k6 = await findK6(config, cacheDir, scope);
  if ('missing' in k6) {
    if (options.require) throw new Error(k6.missing);
    return { scenario, skipped: k6.missing };
  }
  const dir = await scope.folder('loadtest');
  const url = options.url ?? (await ownServer(dir, config, scope));
  const script = join(root, 'loadtest', 'k6', `${scenario}.js`);
  const summary = await runK6(config, scope, { file: k6.file, script, url, token, parameters, loadSeconds, dir });
  return readSummary(scenario, url, summary);
}

async function ownServer(dir: string, config: LoadtestConfig, scope: Scope): Promise<string> {
  const { url } = await startLakh({ root, dir, config, scope, pinning: { server: undefined } }, 'standalone');
  progress(`no --url: a standalone server of its own at ${url}`);
  return url;
}

await runMain(readConfig().startedByNpm, async (scope) => {
  const options = parseLoadtest(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(LOADTEST_HELP);
    return 0;
  }
  const report = await run(options, readLoadtestConfig(), scope);
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : formatLoadtest(report));
  if ('skipped' in report) return EXIT_SKIPPED;
  return report.passed ? 0 : EXIT_THRESHOLD;
});
