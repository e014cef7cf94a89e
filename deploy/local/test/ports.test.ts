import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePorts } from '../src/servers/ports';
import { withFreeGroupPorts } from '../src/stack/layout';
import type { StackState } from '../src/stack/state';

test('calls at once find different ports, and so do calls one after the other', async () => {
  const asked = await Promise.all(Array.from({ length: 50 }, () => freePorts(4)));
  const later = await freePorts(100);
  const found = [...asked.flat(), ...later];
  expect(new Set(found).size).toBe(300);
});

test('a Galera node that starts again leaves to others what they have taken of its ports meanwhile, and keeps the rest', async () => {
  const ports = await freePorts(8);
  const [port = 0, group = 0, part = 0, whole = 0, ...others] = ports;
  const record = (name: string, [first = 0, ...extraPorts]: number[]) =>
    ({ name, role: 'mysql', port: first, extraPorts, isDraining: false }) as const;
  const node = record('mysql-1', [port, group, part, whole]);
  const processes = [node, record('mysql-2', others)];
  const galera: StackState = { processes, database: { kind: 'galera' } };
  expect(await withFreeGroupPorts(galera, node)).toBe(node);

  const stranger = createServer().listen(part, '127.0.0.1');
  await once(stranger, 'listening');
  try {
    const { port: same, extraPorts } = await withFreeGroupPorts(galera, node);
    expect([same, extraPorts[0], extraPorts[2], extraPorts.length]).toEqual([port, group, whole, 3]);
    expect(ports).not.toContain(extraPorts[1]);
    // What others know cannot be changed.
    expect(await withFreeGroupPorts({ processes }, node)).toBe(node);
  } finally {
    stranger.close();
  }
});
