-- Posts a new URL each time, all of one length: wrk -s creates.lua URL -- PREFIX
-- Two runs with different prefixes never send the same URL.
local head, tail, number

function init(args)
  local prefix = args[1]
  local body = string.format('{"long_url":"https://example.org/%s/%012d"}', prefix, 0)
  head = table.concat({
    'POST ' .. wrk.path .. ' HTTP/1.1',
    'Host: ' .. wrk.headers['Host'],
    'Content-Type: application/json',
    'Content-Length: ' .. #body,
    '',
    '{"long_url":"https://example.org/' .. prefix .. '/',
  }, '\r\n')
  tail = '"}'
  number = 0
end

function request()
  number = number + 1
  return head .. string.format('%012d', number) .. tail
end

dofile(debug.getinfo(1, 'S').source:match('^@(.*)/[^/]*$') .. '/done.lua')
