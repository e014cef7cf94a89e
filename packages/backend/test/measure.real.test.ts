import { createMysqlChangeLog, createMysqlLinkStore, openDatabase } from '@lakh/mysql';
import { SampleLinks } from '@lakh/testkit';
import { createClient } from 'redis';
import { startDatabase } from '../../mysql/test/database.js';
import { startRedis, startServer } from '../../redis/test/harness.js';
import { migrateCluster } from '../src/cluster/index.js';

jest.setTimeout(120_000);
test('measure', async () => {
  const [database, redis] = await Promise.all([startDatabase(), startRedis()]);
  await migrateCluster({ database: [database.migrator] });
  const pool = openDatabase({ members: [database.app], deadlineMs: 3000, observer: {} });
  const log = createMysqlChangeLog({ pool });
  const store = createMysqlLinkStore({ pool, clock: { nowMs: Date.now }, observer: {} });
  const server = await startServer(redis.url, undefined as never, { validForMs: 5000, log } as never);
  const admin = createClient({ url: redis.url });
  await admin.connect();
  await new Promise((r) => setTimeout(r, 3000));
  const stat = async () => {
    const i = await admin.info();
    const g = (n: string) => Number(new RegExp(`^${n}:(.*)$`, 'm').exec(i)?.[1]);
    return {
      cmds: g('total_commands_processed'),
      cpu: g('used_cpu_user') + g('used_cpu_sys'),
      out: g('total_net_output_bytes'),
      inp: g('total_net_input_bytes'),
    };
  };
  const a = await stat();
  const c0 = process.cpuUsage();
  const t0 = performance.now();
  await new Promise((r) => setTimeout(r, 15000));
  const b = await stat();
  const c = process.cpuUsage(c0);
  const s = (performance.now() - t0) / 1000;
  console.log('idle', {
    cmdsPerS: (b.cmds - a.cmds) / s,
    redisCpuPct: (100 * (b.cpu - a.cpu)) / s,
    nodeCpuPct: (c.user + c.system) / 1e4 / s,
    outKBs: (b.out - a.out) / 1e3 / s,
    inKBs: (b.inp - a.inp) / 1e3 / s,
    age: server.keeper.ageMs(),
    rounds: [...server.rounds],
  });
  const sample = new SampleLinks();
  const links = Array.from({ length: 10000 }, () => sample.generated());
  for (let i = 0; i < links.length; i += 500) await Promise.all(links.slice(i, i + 500).map((l) => store.insert(l)));
  const heard = new Map<string, number>();
  const sub = createClient({ url: redis.url });
  await sub.connect();
  await sub.subscribe('lakh:changes', (m) => heard.set(m.split('|')[1]!, performance.now()));
  // stop relay, pile up changes, restart
  await server.close();
  const t1 = performance.now();
  for (let i = 0; i < links.length; i += 100)
    await Promise.all(links.slice(i, i + 100).map((l) => store.remove(0, l.code)));
  console.log('removes per s', (links.length * 1000) / (performance.now() - t1));
  const again = await startServer(redis.url, undefined as never, { validForMs: 5000, log } as never);
  const t2 = performance.now();
  while (heard.size < links.length && performance.now() - t2 < 30000) await new Promise((r) => setTimeout(r, 5));
  console.log('deliveries per s', (heard.size * 1000) / (performance.now() - t2), heard.size, [...again.rounds]);
  heard.clear();
  const lat: number[] = [];
  const more = Array.from({ length: 3000 }, () => sample.generated());
  for (let i = 0; i < more.length; i += 500) await Promise.all(more.slice(i, i + 500).map((l) => store.insert(l)));
  const t3 = performance.now();
  const committed = new Map<string, number>();
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (next < more.length) {
        const l = more[next++]!;
        await store.remove(0, l.code);
        committed.set(l.code, performance.now());
        await again.keeper.hasten(0, l.code);
      }
    }),
  );
  await new Promise((r) => setTimeout(r, 300));
  for (const [code, at] of committed) lat.push((heard.get(code) ?? Infinity) - at);
  lat.sort((x, y) => x - y);
  console.log(
    'edits/s',
    (more.length * 1000) / (performance.now() - t3 - 300),
    'p50',
    lat[1500],
    'p99',
    lat[2970],
    'p99.9',
    lat[2997],
    'max',
    lat[2999],
  );
  admin.destroy();
  sub.destroy();
  await again.close();
  pool.close();
  await redis.dispose();
  await database.stop();
});
