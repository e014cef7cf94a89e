import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findExecutable } from '@lakh/local';
import { buildWithGo, findGo } from '../go.js';
import type { Bench } from './setting.js';

/** Folders of loadtest/go. */
type GoProgram = 'redirect' | 'arrivals';

export type FoundProgram = { readonly file: string } | { readonly missing: string };

const OLDEST_GO = [1, 21] as const;

/** One of the bench's own programs in Go, built once for each state of its source; a quick pass builds nothing. */
export async function goProgram({ root, config, scope, quick }: Bench, name: GoProgram): Promise<FoundProgram> {
  const source = join(root, 'loadtest', 'go');
  const builtDir = join(root, 'node_modules', '.cache', 'lakh', `go-${name}-${stateOf(source, name)}`);
  const built = findExecutable([builtDir], name);
  if (built !== undefined) return { file: built };
  if (quick) return { missing: 'not built yet, and a quick pass builds nothing' };
  const go = await findGo(config);
  if (!go?.isSince(OLDEST_GO))
    return { missing: `needs Go ${OLDEST_GO.join('.')} or later on the PATH, to be built once` };
  const build = {
    what: `loadtest/go/${name}`,
    takes: 'half a minute where Go has built nothing yet',
    builtDir,
    program: name,
    cwd: source,
    args: (partial: string) => ['build', '-o', join(partial, name), `./${name}`],
    env: () => ({ GOPROXY: 'off', GOFLAGS: '' }),
  };
  await buildWithGo(go, config, build, scope);
  return { file: join(builtDir, name) };
}

function stateOf(source: string, name: GoProgram): string {
  const files = readdirSync(join(source, name)).sort();
  const hash = createHash('sha256');
  for (const file of ['go.mod', ...files.map((file) => join(name, file))])
    hash.update(readFileSync(join(source, file)));
  return hash.digest('hex').slice(0, 16);
}
