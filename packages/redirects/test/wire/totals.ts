import type { Served } from './servers.js';

/** How long something took is nobody's to compare; how often is. */
const TIMES = /_(bucket|sum)$/;

/** Whatever a server has counted, by name and labels. */
export async function totalsOf({ registry }: Served): Promise<Map<string, number>> {
  const totals = new Map<string, number>();
  for (const { name, values } of await registry.getMetricsAsJSON()) {
    for (const each of values) {
      const sample = 'metricName' in each && each.metricName !== undefined ? each.metricName : name;
      if (!TIMES.test(sample)) totals.set(`${sample} ${JSON.stringify(each.labels)}`, each.value);
    }
  }
  return totals;
}
