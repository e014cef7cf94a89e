import { createHash } from 'node:crypto';
import type { RedisCommands } from './client.js';

/**
 * Compare and set by version, in one step on the server. What is not a value of ours, or not even a string, has no version
 * and is replaced; so is the very value that the caller says is none. An equal version is left alone, so that putting again what is
 * there does not prolong its life.
 */
const SCRIPT = `
local held = redis.pcall('GET', KEYS[1])
local version = type(held) == 'string' and held ~= ARGV[4] and tonumber(string.match(held, '^%d+|(%d+)|'))
local result = held
if not version or version < tonumber(ARGV[1]) then
  local answer = redis.pcall('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  if answer.err then
    result = answer
    redis.pcall('DEL', KEYS[1])
  else
    result = 1
  end
end
if ARGV[5] then redis.pcall('PUBLISH', ARGV[5], ARGV[6]) end
return result
`;

const SCRIPT_SHA1 = createHash('sha1').update(SCRIPT).digest('hex');

export interface PutNewer {
  readonly key: string;
  readonly version: number;
  readonly value: string;
  readonly ttlMs: number;
  /** A value whose version does not count. */
  readonly instead?: string | undefined;
  readonly message?: { readonly channel: string; readonly text: string } | undefined;
}

/**
 * Stores `value` for `ttlMs` unless the key holds its version or a newer one, and publishes `message` in any case: the value may be there
 * already because somebody read it, and a server that takes no more values still passes messages on. What such a server holds of an older
 * version goes: it has memory for no new value, and would serve the old one for as long as that lives.
 *
 * @returns what it holds and keeps; undefined: stored
 */
export async function putNewer(commands: RedisCommands, put: PutNewer): Promise<string | undefined> {
  const { key, version, value, ttlMs, instead = '', message } = put;
  const options = {
    keys: [key],
    arguments: [String(version), value, String(ttlMs), instead, ...(message ? [message.channel, message.text] : [])],
  };
  const answer = await commands.evalSha(SCRIPT_SHA1, options).catch((error: unknown) => {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return commands.eval(SCRIPT, options);
  });
  return answer === 1 ? undefined : String(answer);
}
