-- For wrk: NewStore's order.created, each with a key of its own; the result as one line of JSON.
-- Arguments: the file with the event, and a number that no earlier run had.

local PLACE = "04d02325-f4ea-4a7b-bfeb-2ff74a0e1a0d"
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local body = file:read("*a")
  file:close()
  local first, last = assert(body:find(PLACE, 1, true))
  local salt = string.format("%s-%02d-", args[2], number)
  count = 0
  digits = "%0" .. (#PLACE - #salt) .. "d"
  tail = body:sub(last + 1)
  head = table.concat({
    "POST /newstore_api/v0/event HTTP/1.1",
    "Host: localhost",
    "Authorization: Bearer benchmark",
    "Content-Type: application/json",
    "Content-Length: " .. #body,
    "",
    body:sub(1, first - 1) .. salt,
  }, "\r\n")
end

function request()
  count = count + 1
  return head .. string.format(digits, count) .. tail
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"answered": %d, "failed": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f}\n',
    summary.requests - errors.status,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration / 1e6,
    latency:percentile(50) / 1e6,
    latency:percentile(99) / 1e6
  ))
end
