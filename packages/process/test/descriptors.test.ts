import { connectionsWithin, descriptorLimit } from '../src/descriptors.js';

test('a listener takes as many connections as it is set to, where the process may open as many files and some more', () => {
  for (const limit of [undefined, 16_640, 1_000_000]) {
    expect(connectionsWithin(limit, 16_384)).toEqual({ maxConnections: 16_384 });
  }
});

test.each([
  [16_639, 16_384, 16_383],
  [1024, 16_384, 768],
  [256, 16_384, 128],
  [300, 100, 100],
])('with %i descriptors, of %i it takes %i, and says so with both numbers', (limit, wanted, maxConnections) => {
  const { warning, ...found } = connectionsWithin(limit, wanted);
  expect(found).toEqual({ maxConnections });
  expect(warning).toContain(`LAKH_MAX_CONNECTIONS=${wanted} needs ${wanted + 256} file descriptors`);
  expect(warning).toContain(`may open ${limit}: it takes ${maxConnections} connections`);
});

(process.platform === 'linux' ? test : test.skip)('the limit is the system’s own', () => {
  expect(descriptorLimit()).toBeGreaterThan(0);
});
