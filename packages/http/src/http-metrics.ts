/**
 * Request counts and latencies without prom-client's label hashing (about 1 µs a call): plain arrays indexed by a slot that is
 * worked out once, at start, and turned into prom-client's form when somebody scrapes. A test holds the cost of a call.
 */
import { Counter, type Metric, type Registry } from 'prom-client';

/** Upper bounds in seconds; from a hit in L1 (tens of microseconds) to a store's deadline. */
export const LATENCY_BUCKETS_S: readonly number[] = Object.freeze([
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
]);

/** What an answer is counted as whose connection closed before all of it was sent, as nginx has it. */
export const CLIENT_GONE = 499;

const FIRST_STATUS = 100;
const STATUSES = 500;

export interface HttpMetrics<Route extends string> {
  /** Where a route's answers of one status are counted. Work it out at start. */
  slot(route: Route, status: number): number;
  /** Counts one answer. Allocation-free. */
  record(slot: number, durationS: number): void;
  /** Both in one; for answers whose status is known only at the end. */
  observe(route: Route, status: number, durationS: number): void;
}

/**
 * Registers `lakh_http_requests_total{route,status}` and `lakh_http_request_duration_seconds{route}`.
 *
 * @param routes every route class there will ever be: the label is bounded by construction
 */
export function createHttpMetrics<const Route extends string>(
  registry: Registry,
  routes: readonly Route[],
): HttpMetrics<Route> {
  const requests = new Float64Array(routes.length * STATUSES);
  const durations = new SlotHistogram(
    'lakh_http_request_duration_seconds',
    'Time from a request’s headers to the end of its answer.',
    'route',
    routes,
    LATENCY_BUCKETS_S,
  );
  durations.register(registry);

  new Counter({
    name: 'lakh_http_requests_total',
    help: 'Answers by route class and status.',
    labelNames: ['route', 'status'],
    registers: [registry],
    collect() {
      this.reset();
      requests.forEach((count, slot) => {
        if (count === 0) return;
        const route = routes[Math.floor(slot / STATUSES)] as Route;
        this.inc({ route, status: String((slot % STATUSES) + FIRST_STATUS) }, count);
      });
    },
  });

  function slot(route: Route, status: number): number {
    const index = routes.indexOf(route);
    const offset = status - FIRST_STATUS;
    if (index < 0 || !Number.isInteger(offset) || offset < 0 || offset >= STATUSES) {
      throw new RangeError(`no such route or status: ${route} ${status}`);
    }
    return index * STATUSES + offset;
  }

  function record(at: number, durationS: number): void {
    requests[at] = (requests[at] as number) + 1;
    durations.record((at / STATUSES) | 0, durationS);
  }

  return { slot, record, observe: (route, status, durationS) => record(slot(route, status), durationS) };
}

/**
 * A histogram with one label whose values are known at start. It is no prom-client Histogram: those can only observe, one
 * labelled value at a time. A registry asks its metrics for nothing but a name and `get()`.
 */
class SlotHistogram {
  readonly name: string;
  readonly #help: string;
  readonly #label: string;
  readonly #values: readonly string[];
  readonly #bounds: Float64Array;
  /** For each label value its buckets, the last one unbounded. */
  readonly #counts: Float64Array;
  readonly #sums: Float64Array;

  constructor(name: string, help: string, label: string, values: readonly string[], bounds: readonly number[]) {
    this.name = name;
    this.#help = help;
    this.#label = label;
    this.#values = values;
    this.#bounds = Float64Array.from(bounds);
    this.#counts = new Float64Array(values.length * (bounds.length + 1));
    this.#sums = new Float64Array(values.length);
  }

  /** Most values fall into the first buckets, where a scan beats a binary search. */
  record(valueIndex: number, amount: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && amount > (bounds[bucket] as number)) bucket += 1;
    const at = valueIndex * (bounds.length + 1) + bucket;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sums[valueIndex] = (this.#sums[valueIndex] as number) + amount;
  }

  register(registry: Registry): void {
    // The library's types admit its own classes only; its registry calls get() of whatever it is given.
    registry.registerMetric(this as unknown as Metric);
  }

  /** prom-client's form: cumulative buckets, sum and count for each label value that was ever recorded. */
  async get(): Promise<unknown> {
    const values: { metricName: string; labels: Record<string, string>; value: number }[] = [];
    const width = this.#bounds.length + 1;
    this.#values.forEach((labelValue, index) => {
      const labels = { [this.#label]: labelValue };
      let count = 0;
      const buckets = Array.from({ length: width }, (_, bucket) => {
        count += this.#counts[index * width + bucket] as number;
        const le = bucket < this.#bounds.length ? String(this.#bounds[bucket]) : '+Inf';
        return { metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: count };
      });
      if (count === 0) return;
      values.push(
        ...buckets,
        { metricName: `${this.name}_sum`, labels, value: this.#sums[index] as number },
        { metricName: `${this.name}_count`, labels, value: count },
      );
    });
    return { name: this.name, help: this.#help, type: 'histogram', aggregator: 'sum', values };
  }

  reset(): void {
    this.#counts.fill(0);
    this.#sums.fill(0);
  }
}
