import { Counter, type Registry } from 'prom-client';
import { TURNED_AWAY, type TurnedAway } from './admission.js';

/** Registers `lakh_http_connections_turned_away_total{reason}`; what it gives is told of each. */
export function createConnectionMetrics(registry: Registry): (reason: TurnedAway) => void {
  const turnedAway = new Counter({
    name: 'lakh_http_connections_turned_away_total',
    help: 'Connections closed because there were too many, by whose limit was met.',
    labelNames: ['reason'],
    registers: [registry],
  });
  for (const reason of TURNED_AWAY) turnedAway.inc({ reason }, 0);
  return (reason) => turnedAway.inc({ reason });
}
