import { restartsUnderLoad } from './support/restarts-under-load';

jest.setTimeout(120_000);

test('every server of both services is restarted twice under requests through the gateway, and none fails', async () => {
  const { posts, gets, pids, failed, failures, repeated, duplicates } = await restartsUnderLoad({
    clients: 8,
    pauseMs: 10,
    leastRequests: 0,
  });
  expect([failed, failures]).toEqual([0, []]);
  expect([repeated, duplicates]).toEqual([[], 0]);
  for (const name of ['shorten-1', 'shorten-2', 'redirect-1', 'redirect-2']) expect(pids.get(name)?.size).toBe(3);
  expect(Math.min(posts, gets)).toBeGreaterThan(500);
});
