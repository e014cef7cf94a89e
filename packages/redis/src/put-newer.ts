import { createHash } from 'node:crypto';
import type { RedisCommands } from './client.js';

/**
 * Compare and set by version, in one step on the server. What is not a value of ours, or not even a string, has no version
 * and is replaced. An equal version is left alone, so that putting again what is there does not prolong its life.
 */
const SCRIPT = `
local held = redis.pcall('GET', KEYS[1])
local version = type(held) == 'string' and tonumber(string.match(held, '^%d+|(%d+)|'))
local result = 0
if not version or version < tonumber(ARGV[1]) then
  local answer = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  result = answer.err and answer or 1
end
if ARGV[4] then redis.pcall('PUBLISH', ARGV[4], ARGV[5]) end
return result
`;

const SCRIPT_SHA1 = createHash('sha1').update(SCRIPT).digest('hex');

/**
 * Stores `value` for `ttlMs` unless the key holds its version or a newer one, and publishes `message` in any case: the value may be there
 * already because somebody read it, and a server that takes no more values still passes messages on.
 *
 * @returns whether it was stored
 */
export async function putNewer(
  commands: RedisCommands,
  key: string,
  version: number,
  value: string,
  ttlMs: number,
  message?: { readonly channel: string; readonly text: string },
): Promise<boolean> {
  const options = {
    keys: [key],
    arguments: [String(version), value, String(ttlMs), ...(message ? [message.channel, message.text] : [])],
  };
  try {
    return (await commands.evalSha(SCRIPT_SHA1, options)) === 1;
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return (await commands.eval(SCRIPT, options)) === 1;
  }
}
