import ipaddr from 'ipaddr.js';
import { type Environment, type SettingList, variablesOf } from './setting.js';

/** What variables of earlier releases are called. */
export const RENAMED_NAMES: Readonly<Record<string, string>> = {
  LAKH_SHARDS: 'LAKH_DATABASE',
  LAKH_SHARDS_FILE: 'LAKH_DATABASE_FILE',
};

const isPort = (value: string) => /^\d{1,5}$/.test(value);

/** What Kubernetes tells every container of a Service named `lakh` or `lakh-…`: by the ends of names, what their values look like. */
const SERVICE_LINKS: readonly (readonly [name: RegExp, isValue: (value: string) => boolean])[] = [
  [/_SERVICE_HOST$/, ipaddr.isValid],
  [/_SERVICE_PORT(_[0-9A-Z_]+)?$/, isPort],
  [/_PORT(_\d+_(TCP|UDP|SCTP))?$/, (value) => /^(tcp|udp|sctp):\/\/./.test(value)],
  [/_PORT_\d+_(TCP|UDP|SCTP)_PROTO$/, (value) => /^(tcp|udp|sctp)$/.test(value)],
  [/_PORT_\d+_(TCP|UDP|SCTP)_PORT$/, isPort],
  [/_PORT_\d+_(TCP|UDP|SCTP)_ADDR$/, ipaddr.isValid],
];

function isServiceLink(name: string, value: string): boolean {
  return name.startsWith('LAKH_') && SERVICE_LINKS.some(([end, isValue]) => end.test(name) && isValue(value));
}

/** The LAKH_ variables that nobody meant for Lakh: Kubernetes makes them of a Service's name. */
export function serviceLinks(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => isServiceLink(name, env[name] ?? ''))
    .sort();
}

/** A message for each LAKH_ variable that is neither of `settings` nor of any program. */
export function unknownNames(env: Environment, settings: SettingList, knownNames: readonly string[]): string[] {
  const known = new Set([...knownNames, ...Object.values(settings).flatMap(variablesOf)]);
  return Object.keys(env)
    .filter((name) => name.startsWith('LAKH_') && env[name] !== undefined && !known.has(name))
    .filter((name) => !isServiceLink(name, env[name] ?? ''))
    .map((name) => {
      if (name.endsWith('_FILE') && known.has(name.slice(0, -'_FILE'.length))) {
        return `${name} is unknown: only a secret can be given as a file`;
      }
      const now = RENAMED_NAMES[name];
      if (now !== undefined) return `${name} is now ${now}`;
      const near = nearest(name, known);
      return `${name} is unknown${near === undefined ? '' : `: did you mean ${near}?`}`;
    });
}

/** The closest known name, if it is close enough to have been meant: `most` changes of a letter away, by default 3. */
export function nearest(name: string, known: Iterable<string>, most = 3): string | undefined {
  let best: string | undefined;
  let bestDistance = most + 1;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance, by the row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
