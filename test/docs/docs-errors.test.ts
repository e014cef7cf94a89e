import { BATCH_RULES, DRY_RUN_RULES } from '@lakh/api';
import { answerCodes, statusOf } from '@lakh/http';
import { ALIAS_RULES, EXPIRY_RULES, FURTHER_RULES, LONG_URL_RULES, REDIRECT_STATUS_RULES } from '@lakh/links';
import { parse } from 'yaml';
import { read, section, sources, tableRows, ticked } from './support.js';

const PAGE = 'docs/reference/errors.md';

interface Documented {
  readonly code: string;
  readonly class: string;
  /** HTTP status, exit status, or `–`. */
  readonly status: string;
}

/** What this reads of an operation of the API description. */
interface OperationText {
  readonly responses?: Readonly<Record<string, { readonly $ref?: string; readonly description?: string }>>;
}

const byCode = (a: Documented, b: Documented) => (a.code < b.code ? -1 : 1);

function rowsOf(title: string): Documented[] {
  return tableRows(section(PAGE, title)).map((row) => ({
    code: ticked(row[0])[0] ?? '',
    class: ticked(row[1])[0] ?? '–',
    status: row[2] ?? '',
  }));
}

/** Every class of the sources that has a code of its own. */
function errorClasses(of: (file: string) => boolean): Documented[] {
  return sources()
    .filter(of)
    .flatMap((file) =>
      read(file)
        .split(/^export (?:abstract )?class /m)
        .slice(1)
        .flatMap((body) => {
          const code = /^ {2}readonly code = '([a-z_]+)'/m.exec(body)?.[1];
          if (code === undefined) return [];
          const exitCode = /^ {2}readonly exitCode = (\d+)/m.exec(body)?.[1];
          const status = exitCode ?? String(statusOf(code) ?? '–');
          return [{ code, class: /^\w+/.exec(body)?.[0] ?? '', status }];
        }),
    )
    .sort(byCode);
}

const isStack = (file: string) => file.startsWith('deploy/');
/** Its errors are exit statuses of its own commands. */
const isBench = (file: string) => file.startsWith('loadtest/');
const overHttp = rowsOf('Answers over HTTP');
const fromGateway = new Set(overHttp.filter((row) => row.class === '–').map(({ code }) => code));

describe('the list of errors', () => {
  test('is what the packages and services have', () => {
    const documented = [
      ...overHttp,
      ...rowsOf('Leases'),
      ...rowsOf('At start, and inside'),
      ...rowsOf('`npm run lakh`'),
    ]
      .filter(({ code }) => !fromGateway.has(code))
      .sort(byCode);
    expect(documented).toEqual(errorClasses((file) => !isStack(file) && !isBench(file)));
  });

  test('is what the stack has', () => {
    expect(rowsOf('`npm run stack`').sort(byCode)).toEqual(errorClasses(isStack));
  });

  test('has every code that may be an answer', () => {
    const codes = new Set(errorClasses(() => true).map(({ code }) => code));
    expect(answerCodes().filter((code) => !codes.has(code))).toEqual([]);
  });

  test('no code stands for two errors', () => {
    const codes = errorClasses(() => true).map(({ code }) => code);
    expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([]);
  });

  test('has what the gateway answers, with the status that it answers', () => {
    const config = read('deploy/gateway/src/problems.ts');
    const answers = [...config.matchAll(/status: (\d+),\s*code: '([a-z_]+)'/g)].map((m) => `${m[2]} ${m[1]}`);
    expect(answers.length).toBeGreaterThan(5);
    const documented = new Set(overHttp.map(({ code, status }) => `${code} ${status}`));
    expect(answers.filter((answer) => !documented.has(answer))).toEqual([]);
    for (const code of fromGateway) expect(answers.some((answer) => answer.startsWith(`${code} `))).toBe(true);
  });
});

describe('the API description and the list of errors', () => {
  const description = parse(read('docs/reference/openapi.yaml'));

  test('know the same problem codes', () => {
    const known: string[] = description.components.schemas.ProblemCode.enum;
    expect([...known].sort()).toEqual(overHttp.map(({ code }) => code).sort());
  });

  test('give each code the same status, and each code is a response of something', () => {
    const statusOf = new Map(overHttp.map(({ code, status }) => [code, status]));
    const mentioned = new Set<string>();
    const wrong: string[] = [];
    for (const [path, item] of Object.entries<Record<string, OperationText>>(description.paths)) {
      for (const [method, { responses = {} }] of Object.entries(item)) {
        for (const [status, given] of Object.entries(responses)) {
          const response = given.$ref
            ? description.components.responses[given.$ref.split('/').at(-1) as string]
            : given;
          for (const code of ticked(response.description).filter((word) => statusOf.has(word))) {
            mentioned.add(code);
            if (statusOf.get(code) !== status) wrong.push(`${method} ${path} ${status}: ${code}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
    expect([...statusOf.keys()].filter((code) => !mentioned.has(code))).toEqual([]);
  });
});

test('the rules of the API page are those of the sources', () => {
  const documented = tableRows(section('docs/reference/http-api.md', 'Rules')).map(
    ([field, rule]) => `${ticked(field)[0] ?? field} ${ticked(rule)[0]}`,
  );
  const wire = [...['link-request', 'api'].map((name) => read(`packages/api/src/${name}.ts`))]
    .flatMap((text) => [...text.matchAll(/rule: '([a-z_]+)'/g)])
    .map((m) => m[1] as string);
  const fieldOfWire: Record<string, string> = {
    not_an_object: '(body)',
    missing: 'long_url',
  };
  const real = [
    'any unknown_field',
    ...wire.map((rule) => `${fieldOfWire[rule]} ${rule}`),
    ...Object.keys(LONG_URL_RULES).map((rule) => `long_url ${rule}`),
    ...Object.keys(ALIAS_RULES).map((rule) => `alias ${rule}`),
    ...Object.keys(EXPIRY_RULES).map((rule) => `expires_at ${rule}`),
    ...Object.keys(REDIRECT_STATUS_RULES).map((rule) => `redirect_status ${rule}`),
    ...Object.entries(BATCH_RULES).flatMap(([field, rules]) => Object.keys(rules).map((rule) => `${field} ${rule}`)),
  ];
  expect(documented.sort()).toEqual(real.sort());
});

test('the rules of further fields are those of the sources', () => {
  const rows = tableRows(section('docs/reference/http-api.md', 'Rules of further fields'));
  const documented = rows.flatMap(([fields, rules]) =>
    ticked(fields).flatMap((field) => ticked(rules).map((rule) => `${field} ${rule}`)),
  );
  const real = Object.entries(FURTHER_RULES).flatMap(([field, rules]) => rules.map((rule) => `${field} ${rule}`));
  expect(documented.sort()).toEqual(real.sort());
});

test('the rules of a dry run are those of the sources', () => {
  const rows = tableRows(section('docs/reference/http-api.md', 'Rules of a dry run'));
  const documented = rows.flatMap(([fields, rules]) =>
    ticked(fields).flatMap((field) => ticked(rules).map((rule) => `${field} ${rule}`)),
  );
  const real = Object.entries(DRY_RUN_RULES).flatMap(([field, rules]) =>
    Object.keys(rules).map((rule) => `${field} ${rule}`),
  );
  expect(documented.sort()).toEqual(real.sort());
});
