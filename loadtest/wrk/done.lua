-- What the runner reads: one line, exact counts. Times are microseconds.
function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'LAKH {"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
