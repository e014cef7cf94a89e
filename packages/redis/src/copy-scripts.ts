/**
 * The steps of a copy, each of which Redis does whole or not at all. What is refused (no memory, a replica, too few of these, a full disk) is refused
 * at the first write of a script, which is that of the state: then nothing has happened.
 */
import { STATE_MAX_LENGTH } from '@lakh/links';
import { createScript } from './master.js';

/**
 * What cannot be a state counts as none, and the next round puts one in its place: what is no text, has other characters (which do not come back from
 * here as they are), or is too long. Of a long one no more is looked at, however much somebody has put there.
 */
const BEGINNING = `
local function beginning(key)
  local value = redis.pcall('GETRANGE', key, 0, ${STATE_MAX_LENGTH})
  return type(value) == 'string' and value or ''
end
`;
const HELD = `${BEGINNING}
local function held(key)
  local value = beginning(key)
  return #value <= ${STATE_MAX_LENGTH} and not string.find(value, '[^ -~]') and value or ''
end
`;

/** Of what is longer than a state, and nothing that could be one. */
export const TOO_LONG = '\n';

/** KEYS: states. @returns them, or {@link TOO_LONG} */
export const READ = createScript(`${BEGINNING}
local states = {}
for i, key in ipairs(KEYS) do
  local value = beginning(key)
  states[i] = #value <= ${STATE_MAX_LENGTH} and value or '\\n'
end
return states
`);

/** KEYS: states. ARGV: of each, what it must be and what it becomes. @returns 1 or 0 for each */
export const ADVANCE = createScript(`${HELD}
local moved = {}
for i, key in ipairs(KEYS) do
  if held(key) == ARGV[2 * i - 1] then
    redis.call('SET', key, ARGV[2 * i])
    moved[i] = 1
  else
    moved[i] = 0
  end
end
return moved
`);

/**
 * KEYS: a state, then links. ARGV: what the state must be and what it becomes, the channel; then of each link its value, empty for none, its life and
 * its message. What can neither be kept nor be taken out makes the whole bucket begin anew.
 */
export const APPLY = createScript(`${HELD}
if held(KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
for i = 2, #KEYS do
  local value = ARGV[3 * i - 2]
  local kept = value ~= '' and not redis.pcall('SET', KEYS[i], value, 'PX', ARGV[3 * i - 1]).err
  if not kept and type(redis.pcall('DEL', KEYS[i])) ~= 'number' then redis.call('SET', KEYS[1], '') end
  redis.pcall('PUBLISH', ARGV[3], ARGV[3 * i])
end
return 1
`);

/** KEYS: a state and a link. ARGV: how the state must end, the link's value and its life. */
export const FILL = createScript(`${HELD}
if string.sub(held(KEYS[1]), -#ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
`);
