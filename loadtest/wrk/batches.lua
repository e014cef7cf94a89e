-- Posts batches of new links: wrk -s batches.lua URL -- PREFIX LINKS
-- All of them are the same body, which is made once: what is measured is not its making.
local text

function init(args)
  local links = {}
  for number = 1, tonumber(args[2]) do
    links[number] = string.format('{"long_url":"https://example.org/articles/2026/a-title-of-usual-length?id=%s%04d"}', args[1], number)
  end
  local body = '{"links":[' .. table.concat(links, ',') .. ']}'
  text = table.concat({
    'POST ' .. wrk.path .. ' HTTP/1.1',
    'Host: ' .. wrk.headers['Host'],
    'Content-Type: application/json',
    'Content-Length: ' .. #body,
    '',
    body,
  }, '\r\n')
end

function request()
  return text
end

dofile(debug.getinfo(1, 'S').source:match('^@(.*)/[^/]*$') .. '/done.lua')
