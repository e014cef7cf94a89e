import { delimiter, join } from 'node:path';
import { findExecutable } from '@lakh/local';
import type { LoadtestConfig } from '../config.js';
import { buildWithGo, findGo, versionOf } from '../go.js';
import type { Scope } from '../scope.js';

/** What is built where no k6 is found. */
export const K6_VERSION = 'v1.8.1';
const OLDEST_GO = [1, 24] as const;

export type FoundK6 = { readonly file: string } | { readonly missing: string };

const HOW_TO_GET_IT =
  `install k6 (https://grafana.com/docs/k6/latest/set-up/install-k6/) so that it is on the PATH, or set LAKH_K6 to its binary, ` +
  `or install Go ${OLDEST_GO.join('.')} or later: it is then built here once`;

/**
 * LAKH_K6, else k6 of the PATH, else the one built before, else one built now (2–3 minutes) where Go is new enough. `cacheDir` keeps
 * the build. Rejects when LAKH_K6 names something that is no k6, and when a build fails.
 */
export async function findK6(config: LoadtestConfig, cacheDir: string, scope: Scope): Promise<FoundK6> {
  if (config.k6 !== undefined) {
    if ((await versionOf(config.k6)) === undefined) throw new Error(`LAKH_K6=${config.k6}: cannot be run as k6`);
    return { file: config.k6 };
  }
  const onPath = findExecutable(config.path.split(delimiter), 'k6');
  if (onPath !== undefined && (await versionOf(onPath)) !== undefined) return { file: onPath };
  const builtDir = join(cacheDir, `k6-${K6_VERSION}`);
  const built = findExecutable([builtDir], 'k6');
  if (built !== undefined) return { file: built };

  const go = await findGo(config);
  if (go === undefined) return { missing: `no k6 here: ${HOW_TO_GET_IT}` };
  if (!go.isSince(OLDEST_GO)) return { missing: `no k6 here, and Go is older than needed: ${HOW_TO_GET_IT}` };
  const build = {
    what: 'k6',
    takes: '2–3 minutes',
    builtDir,
    program: 'k6',
    args: () => ['install', `go.k6.io/k6@${K6_VERSION}`],
    env: (partial: string) => ({ GOBIN: partial }),
  };
  await buildWithGo(go, config, build, scope);
  return { file: join(builtDir, 'k6') };
}
