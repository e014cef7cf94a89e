import { allowedAt, areasOf, labelsOf, type Route, speakerFinder } from '../src/index.js';

const row = (method: Route['method'], path: string, label: string, service = label): Route => ({
  ...{ method, path, label, service },
  ...{ role: 'public', rate: 'none', errors: 'problem' },
});
const things = [
  row('POST', '/api/things', 'api'),
  row('DELETE', '/api/things/:id', 'api'),
  row('GET', '/api/things/:id', 'api'),
];
const home = row('GET', '/', 'page');
const form = row('POST', '/-/send', 'page');
const code = row('GET', '/:code', 'code');
const robots = row('GET', '/robots.txt', 'page');

describe('a table of routes', () => {
  test('says which methods a path allows, HEAD with GET, always in one order', () => {
    expect(allowedAt(things, '/api/things')).toEqual(['POST']);
    expect(allowedAt(things, '/api/things/:id')).toEqual(['GET', 'HEAD', 'DELETE']);
    expect(allowedAt(things, '/none')).toEqual([]);
  });

  test('has one label for each of its parts', () => {
    expect(labelsOf([...things, home, form])).toEqual(['api', 'page']);
  });

  test('divides the addresses: all under a first segment, single paths, and the rest', () => {
    expect(areasOf([...things, home, form, code, robots]).map(({ path, route }) => [path, route.label])).toEqual([
      ['/api/', 'api'],
      ['/', 'page'],
      ['/-/', 'page'],
      ['', 'code'],
      ['/robots.txt', 'page'],
    ]);
  });

  test('refuses two services under one first segment', () => {
    expect(() => areasOf([...things, row('GET', '/api/other', 'other')])).toThrow('/api/ belongs to two services');
  });

  test.each([
    ['/', 'page'],
    ['/api/', 'api'],
    ['/api/things/1/2', 'api'],
    ['/api', 'code'],
    ['/API/things', 'code'],
    ['//', 'code'],
    ['/a/b', 'code'],
    ['/robots.txt', 'page'],
    ['/robots.txt/x', 'code'],
    ['*', 'code'],
    ['', 'code'],
  ])('names a route that speaks for %j, whatever the order: %s', (path, label) => {
    const rows = [...things, home, form, code, robots];
    expect(speakerFinder(rows)(path).label).toBe(label);
    expect(speakerFinder(rows.reverse())(path).label).toBe(label);
  });

  test('lets its last route speak for what no area has', () => {
    expect(speakerFinder([...things, home])('/none').label).toBe('page');
    expect(speakerFinder([home, ...things])('/none').label).toBe('api');
    expect(() => speakerFinder([])).toThrow('a table without a route');
  });
});
