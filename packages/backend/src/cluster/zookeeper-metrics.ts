import type { Registry } from '@lakh/process';
import type { ZookeeperEvent } from '@lakh/zookeeper';
import { Counter, Gauge } from 'prom-client';

/** Metrics of the way to ZooKeeper. */
export function createZookeeperObserver(registry: Registry): (event: ZookeeperEvent) => void {
  const registers = [registry];
  const connected = new Gauge({
    name: 'lakh_zookeeper_connected',
    help: '1 while there is a connection to ZooKeeper.',
    registers,
  });
  const ended = new Counter({
    name: 'lakh_zookeeper_connections_ended_total',
    help: 'Connections to ZooKeeper that ended or could not be made.',
    registers,
  });
  const missed = new Counter({
    name: 'lakh_zookeeper_deadlines_missed_total',
    help: 'Calls to ZooKeeper without an answer in time, each of which cost its connection.',
    registers,
  });
  return (event) => {
    if (event.type === 'state') connected.set(event.state === 'connected' ? 1 : 0);
    else if (event.type === 'disconnected') ended.inc();
    else if (event.type === 'deadline-missed') missed.inc();
  };
}
