import { InvalidRedisUrlError, parseRedisUrl } from '../src/index.js';

test.each([
  ['redis://localhost', { kind: 'single', tls: false, node: { host: 'localhost', port: 6379 }, database: 0 }],
  ['redis://localhost:7000/2', { kind: 'single', tls: false, node: { host: 'localhost', port: 7000 }, database: 2 }],
  ['rediss://[::1]:7000/', { kind: 'single', tls: true, node: { host: '::1', port: 7000 }, database: 0 }],
  [
    'rediss://lakh:p%40ss%3Aw%2Frd@cache.example:6380',
    {
      kind: 'single',
      tls: true,
      node: { host: 'cache.example', port: 6380 },
      database: 0,
      username: 'lakh',
      password: 'p@ss:w/rd',
    },
  ],
  [
    'redis://:secret@h',
    { kind: 'single', tls: false, node: { host: 'h', port: 6379 }, database: 0, password: 'secret' },
  ],
  [
    'redis+sentinel://h1,h2:26380,h3/main',
    {
      kind: 'sentinel',
      nodes: [
        { host: 'h1', port: 26379 },
        { host: 'h2', port: 26380 },
        { host: 'h3', port: 26379 },
      ],
      name: 'main',
      database: 0,
    },
  ],
  [
    'redis+sentinel://u:secret@h1/main/3',
    {
      kind: 'sentinel',
      nodes: [{ host: 'h1', port: 26379 }],
      name: 'main',
      database: 3,
      username: 'u',
      password: 'secret',
    },
  ],
  [
    'redis+cluster://:secret@10.0.0.1:7001,10.0.0.2',
    {
      kind: 'cluster',
      nodes: [
        { host: '10.0.0.1', port: 7001 },
        { host: '10.0.0.2', port: 6379 },
      ],
      password: 'secret',
    },
  ],
])('%s', (url, target) => {
  expect(parseRedisUrl(url)).toEqual(target);
});

test.each([
  '',
  'localhost:6379',
  'http://hunter2@localhost',
  'redis+sentinel://:hunter2@h1,h2',
  'redis+sentinel://:hunter2@h1/main/x',
  'redis+sentinel://:hunter2@h1/main/0/more',
  'redis+cluster://:hunter2@h1,h2/0',
  'redis://:hunter2@h1,h2',
  'redis://:hunter2@h1:0',
  'redis://:hunter2@h1:70000',
  'redis://:hunter2@h1:port',
  'redis://:hunter2@/0',
  'redis://:hunter2@h1/one',
  'redis://:hunter2@h1?tls=no',
  'redis://:hunter2%@h1',
  'redis://hunter2@h1',
  'redis://:hunter2@h1,,h2',
  'redis+cluster://:hunter2@h1,',
  'REDIS://:hunter2@h1',
])('refuses %j and shows nothing of it', (url) => {
  expect(() => parseRedisUrl(url)).toThrow(InvalidRedisUrlError);
  expect(() => parseRedisUrl(url)).toThrow(expect.objectContaining({ code: 'invalid_redis_url' }));
  try {
    parseRedisUrl(url);
  } catch (error) {
    expect((error as Error).message).not.toContain('hunter2');
  }
});
