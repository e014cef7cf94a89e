import { createHash } from 'node:crypto';
import type { RedisCommands } from './client.js';

/**
 * Compare and set by version, in one step on the server. What is not a value of ours, or not even a string, has no version
 * and is replaced. An equal version is left alone, so that putting again what is there does not prolong its life.
 */
const SCRIPT = `
local held = redis.pcall('GET', KEYS[1])
if type(held) == 'string' then
  local version = tonumber(string.match(held, '^%d+|(%d+)|'))
  if version and version >= tonumber(ARGV[1]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
`;

const SCRIPT_SHA1 = createHash('sha1').update(SCRIPT).digest('hex');

/** Stores `value` for `ttlMs` unless the key holds its version or a newer one. @returns whether it was stored */
export async function putNewer(
  commands: RedisCommands,
  key: string,
  version: number,
  value: string,
  ttlMs: number,
): Promise<boolean> {
  const options = { keys: [key], arguments: [String(version), value, String(ttlMs)] };
  try {
    return (await commands.evalSha(SCRIPT_SHA1, options)) === 1;
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return (await commands.eval(SCRIPT, options)) === 1;
  }
}
