/**
 * The steps of a copy, each of which Redis does whole or not at all. What is refused (no memory, a replica, too few of these, a full disk) is refused
 * at the first write of a script, which is that of the state: then nothing has happened.
 */
import { createScript } from './master.js';

/** What is no text counts as no state. */
const HELD = `
local function held(key)
  local value = redis.pcall('GET', key)
  return type(value) == 'string' and value or ''
end
`;

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
