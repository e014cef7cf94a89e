import { InvalidRequestError } from '@lakh/http';
import { parseDryRun } from '../src/dry-run.js';
import { parseCreateRequest, parseEditRequest } from '../src/link-request.js';

test('a dry run names everything that is wrong with it', () => {
  const ask = () => parseDryRun({ useragent: 'x', lang: 'de', query: 3, at: 'now' });
  expect(ask).toThrow(InvalidRequestError);
  let fields: string[] = [];
  try {
    ask();
  } catch (error) {
    fields = (error as InvalidRequestError).problems.map(({ field }) => field);
  }
  expect(fields).toEqual(['useragent', 'lang', 'query', 'at']);
});

test('who sends back what they were answered is told that it cannot be set', () => {
  const reasons = ({ problems }: { problems: readonly { field: string; reason: string }[] }) =>
    problems.map(({ field, reason }) => `${field} ${reason}`);
  expect(reasons(parseEditRequest({ code: 'x', alias: 'x', short_url: 'x', created_at: 'x', codes: 'x' }))).toEqual([
    'code cannot be set',
    'alias cannot be set',
    'short_url cannot be set',
    'created_at cannot be set',
    'codes there is no such field',
  ]);
  expect(reasons(parseCreateRequest({ long_url: 'x', code: 'x', owner: 'x' }))).toEqual([
    'code cannot be set; did you mean alias?',
    'owner cannot be set',
  ]);
});
