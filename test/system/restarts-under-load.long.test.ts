import { restartsUnderLoad } from './support/restarts-under-load';

jest.setTimeout(600_000);

test('a hundred thousand requests through the gateway, while every server is restarted over and over, and none fails', async () => {
  const { posts, gets, pids, failed, failures, repeated, duplicates } = await restartsUnderLoad({
    clients: 16,
    pauseMs: 0,
    leastRequests: 100_000,
  });
  const restarts = [...pids.values()].reduce((sum, { size }) => sum + size - 1, 0);
  process.stdout.write(`${failed} of ${posts + gets} requests failed (${posts} POSTs) in ${restarts} restarts\n`);
  expect([failed, failures]).toEqual([0, []]);
  expect([repeated, duplicates]).toEqual([[], 0]);
  expect(restarts).toBeGreaterThanOrEqual(8);
});
