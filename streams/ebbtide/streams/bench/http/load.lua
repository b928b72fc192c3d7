-- wrk's script: batches of Segment calls in an even pace that a slow answer does not stretch.
-- Arguments: requests a second of this thread, events of a batch, a prefix of message ids.
local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long micros; } instant;
  int gettimeofday(instant *at, void *zone);
]]
local instant = ffi.new("instant")

local function now_ms()
  ffi.C.gettimeofday(instant, nil)
  return tonumber(instant.seconds) * 1000 + tonumber(instant.micros) / 1000
end

local threads = 0
function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(args)
  rate, events, prefix, sent, due = tonumber(args[1]), tonumber(args[2]), args[3], 0, now_ms()
  headers = { ["Content-Type"] = "application/json" }
end

-- Called before each request of any connection: requests are due in turn, whichever connection is free.
function delay()
  due = math.max(due + 1000 / rate, now_ms() - 1000)
  return math.max(0, due - now_ms())
end

function request()
  sent = sent + 1
  local calls = {}
  for event = 1, events do
    local id = string.format("%s-%d-%d-%d", prefix, number, sent, event)
    calls[event] = string.format(
      '{"type":"track","event":"query","messageId":"%s","userId":"u%d","anonymousId":"a%d",'
        .. '"timestamp":"%s","properties":{"rows":%d,"module":"reports","duration_ms":12.5},'
        .. '"context":{"groupId":"g%d","library":{"name":"analytics-python","version":"2.4.0"}},"integrations":{}}',
      id, (sent * 7 + event) % 5000, (sent * 7 + event) % 5000, os.date("!%Y-%m-%dT%H:%M:%SZ"), event, sent % 200
    )
  end
  return wrk.format("POST", "/v1/batch", headers, '{"batch":[' .. table.concat(calls, ",") .. "]}")
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nFIGURES {"requests":%d,"seconds":%f,"p50_ms":%f,"p90_ms":%f,"p99_ms":%f,"p999_ms":%f,"max_ms":%f,'
      .. '"not_200":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(90) / 1000,
    latency:percentile(99) / 1000, latency:percentile(99.9) / 1000, latency.max / 1000,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
