-- Requests the paths of a file (one a line) in turn: wrk -s paths.lua URL -- FILE
-- The requests are made once: all that the generator does per request is to take the next string.
local requests, count, at = {}, 0, 0

function init(args)
  for path in io.lines(args[1]) do
    count = count + 1
    requests[count] = wrk.format('GET', path)
  end
end

function request()
  at = at % count + 1
  return requests[at]
end

dofile(debug.getinfo(1, 'S').source:match('^@(.*)/[^/]*$') .. '/done.lua')
