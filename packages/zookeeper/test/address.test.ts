import { parseZookeeperAddress } from '../src/index';

test.each([
  ['h1:2181,h2:2182,h3:2183/chroot', ['h1:2181', 'h2:2182', 'h3:2183'], '/chroot'],
  ['localhost', ['localhost:2181'], '/lakh'],
  ['10.0.0.1:1', ['10.0.0.1:1'], '/lakh'],
  ['zk-1.example.com.:65535/a/b_c.d', ['zk-1.example.com.:65535'], '/a/b_c.d'],
  ['zk/', ['zk:2181'], ''],
  ['[::1]:2181,[fe80::2]/x', ['::1:2181', 'fe80::2:2181'], '/x'],
])('%s', (text, servers, chroot) => {
  const address = parseZookeeperAddress(text);
  expect(address.servers.map(({ host, port }) => `${host}:${port}`)).toEqual(servers);
  expect(address.chroot).toBe(chroot);
});

test.each([
  ['', /no server is named/],
  ['/lakh', /no server is named/],
  ['h1,,h2', /no valid host: ""/],
  ['h1:2181,', /no valid host: ""/],
  ['h1:0', /"0" is not 1–65535/],
  ['h1:65536', /"65536" is not/],
  ['h1:', /"" is not 1–65535/],
  ['h1:21a', /"21a" is not/],
  ['h1:02181', /"02181" is not/],
  ['h1:2181 , h2', /not/],
  ['zk://h1:2181', /no valid port|not 1–65535/],
  ['user@h1', /no valid host/],
  ['::1:2181', /no valid/],
  ['[::g]:2181', /no valid host: "::g"/],
  ['h1/a/', /is not a chroot/],
  ['h1//a', /is not a chroot/],
  ['h1/a/../b', /is not a chroot/],
  ['h1/a b', /is not a chroot/],
  ['h1/a,h2/b', /is not a chroot/],
  ['h1/zookeeper/x', /ZooKeeper's own/],
  [`h1/${'x'.repeat(256)}`, /257 characters/],
  ['h1:2181,H1:2181', /named twice/],
  [Array.from({ length: 65 }, (_, i) => `h${i}`).join(','), /65 servers/],
])('refuses %s', (text, message) => {
  expect(() => parseZookeeperAddress(text)).toThrow(message);
});
