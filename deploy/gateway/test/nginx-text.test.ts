import { type GatewayConfig, generationOf, publicRoutes, renderGatewayConfig } from '../src/index.js';

const at = (port: number, host = '127.0.0.1') => ({ host, port });
const config: GatewayConfig = {
  listen: at(8080),
  adminListen: at(8081),
  servers: { shorten: [at(9001), at(9002)], redirect: [at(9003)] },
  ratePerS: 500,
  requestsPerClient: 250,
};

describe("the gateway's configuration", () => {
  const text = renderGatewayConfig(config);

  test('listens where it is told and lists every server', () => {
    expect(text.match(/listen .*;/g)).toEqual([
      'listen 127.0.0.1:8080 default_server backlog=4096;',
      'listen 127.0.0.1:8081;',
    ]);
    expect(text.match(/^ {4}server \S+ max_fails=2/gm)).toHaveLength(3);
    expect(text).toContain('rate=500r/s');
  });

  test('has a location for every route, at the service that the route names, and one for codes that are a first segment alone', () => {
    const locations = [...text.matchAll(/location (= )?(\/\S*) \{(?:(?!\n {4}\})[\s\S])*?proxy_pass http:\/\/(\w+);/g)];
    const services = new Map(locations.map(([, exact = '', path, service]) => [`${exact}${path}`, service]));
    expect(Object.fromEntries(services)).toEqual({
      ...{ '/api/': 'shorten', '= /': 'shorten', '/-/': 'shorten' },
      ...{ '= /api': 'redirect', '= /-': 'redirect', '/': 'redirect' },
      ...{
        '/.well-known/': 'redirect',
        '= /.well-known': 'redirect',
        '= /favicon.ico': 'redirect',
        '= /robots.txt': 'redirect',
      },
      ...{ '= /api/v1/urls:batch': 'shorten', '= /api/v1/urls:batchDelete': 'shorten' },
    });
    for (const { path, service } of publicRoutes) {
      const longest = [...services.keys()]
        .filter((key) => (key.startsWith('= ') ? key === `= ${path}` : path.startsWith(key)))
        .sort((a, b) => b.length - a.length)[0] as string;
      expect([path, services.get(longest)]).toEqual([path, service]);
    }
  });

  test('limits bodies a little above the routes, and says which methods there are', () => {
    expect(text).toContain('client_max_body_size 17k;');
    expect(text).toContain('A body may have 16 KiB at most, one of many links 4096.');
    expect(text).toContain('add_header Allow "GET, HEAD, POST, PATCH, DELETE" always;');
  });

  test('limits what one client may have in progress, and all what may be sending bodies', () => {
    expect(text.match(/limit_conn \w+ \d+;/g)).toEqual([
      'limit_conn requests 250;',
      'limit_conn bodies_of_client 63;',
      'limit_conn bodies 2048;',
      'limit_conn batches 64;',
      'limit_conn batches_of_client 8;',
    ]);
  });

  test('has no absolute path, so nothing is written outside its folder', () => {
    const paths = text.match(/^\s*(pid|error_log|access_log|\w+_temp_path)\s+\S+/gm) ?? [];
    expect(paths).toHaveLength(9);
    for (const path of paths) expect(path).not.toMatch(/ \//);
  });

  test('never asks for a POST to be sent twice, nor for targets to be rewritten', () => {
    expect(text).toContain('proxy_next_upstream error timeout http_503;');
    expect(text).not.toMatch(/^ *[^#]*non_idempotent/m);
    expect(text).toContain('proxy_redirect off;');
  });

  test('asks those that were taken out before it gives up, once each, where there is more than one', () => {
    expect(text.match(/^ {4}server \S+ backup max_fails=0;/gm)).toEqual([
      '    server 127.0.0.1:9001 backup max_fails=0;',
      '    server 127.0.0.1:9002 backup max_fails=0;',
    ]);
  });

  test('logs neither paths nor query strings', () => {
    const format = /log_format gateway ([^;]*);/.exec(text)?.[1];
    expect(format).not.toMatch(/\$(request_uri|uri|args|query_string|request\b|http_)/);
  });

  test('its generation changes with anything in it, and is told by the admin listener', () => {
    expect(text).toContain(`return 200 "${generationOf(config)}"`);
    expect(generationOf({ ...config, servers: { ...config.servers, shorten: [at(9001)] } })).not.toBe(
      generationOf(config),
    );
    expect(generationOf({ ...config })).toBe(generationOf(config));
  });

  test.each<[string, object]>([
    ['a port that is no number', { servers: { ...config.servers, shorten: [at('9001; evil' as never)] } }],
    ['a port out of range', { servers: { ...config.servers, redirect: [at(65_536)] } }],
    ['a fractional port', { listen: at(80.5) }],
    ['a host with a semicolon', { servers: { ...config.servers, redirect: [at(80, 'a; evil')] } }],
    ['a host with a variable', { adminListen: at(80, '$host') }],
    ['no servers', { servers: { ...config.servers, shorten: [] } }],
    ['a rate with a unit', { ratePerS: '1r/s; evil' }],
    ['a rate of nothing', { ratePerS: 0 }],
    ['no requests at all', { requestsPerClient: 0 }],
    ['a user with a semicolon', { workerUser: 'nobody; evil' }],
    ['a user with a newline', { workerUser: 'nobody\nevil' }],
    ['a user with three words', { workerUser: 'a b c' }],
  ])('refuses %s', (_, change) => {
    expect(() => renderGatewayConfig({ ...config, ...change } as GatewayConfig)).toThrow(RangeError);
  });
});
