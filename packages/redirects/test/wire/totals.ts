import type { Served } from './servers.js';

/** How long something took is nobody's to compare, nor what the tables of a cache are estimated to take; how often is. */
const LEFT_OUT = /_(bucket|sum)$|^lakh_l1_bytes$/;

/** Whatever a server has counted, by name and labels. */
export async function totalsOf({ registry }: Served): Promise<Map<string, number>> {
  const totals = new Map<string, number>();
  for (const { name, values } of await registry.getMetricsAsJSON()) {
    for (const each of values) {
      const sample = 'metricName' in each && each.metricName !== undefined ? each.metricName : name;
      if (!LEFT_OUT.test(sample)) totals.set(`${sample} ${JSON.stringify(each.labels)}`, each.value);
    }
  }
  return totals;
}
