import type { Sample } from '../figures.js';
import { checkCounted } from '../metrics.js';
import type { Bench } from '../setting.js';
import { wrk } from '../wrk.js';
import type { Paths, Warm } from './ours.js';

export const CONNECTIONS = 64;

export type Script = 'paths.lua' | 'browser.lua';

/** As many requests for these paths as can be had. */
export function load(
  bench: Bench,
  url: string,
  pathsFile: string,
  seconds: number,
  script: Script = 'paths.lua',
): Promise<Sample> {
  return wrk(bench, { url, script, args: [pathsFile], connections: CONNECTIONS, seconds });
}

/** The same of one of ours, whose metrics are looked at; `url` is where it is reached, if not directly. */
export function loadOurs(
  bench: Bench,
  { running, paths }: Warm,
  which: keyof Paths,
  seconds: number,
  { script, url = running.url }: { readonly script?: Script; readonly url?: string } = {},
): Promise<Sample> {
  return checkCounted(running.adminUrl, seconds, () => load(bench, url, paths[which], seconds, script));
}
