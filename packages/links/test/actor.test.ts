import { ForbiddenError } from '@lakh/base';
import { anonymous, demand, tokenHolder } from '../src/index.js';

describe('an actor', () => {
  test('with a token has its name and every right, one without has the rights that are given', () => {
    expect(tokenHolder('ci')).toEqual({
      kind: 'token',
      name: 'ci',
      rights: ['create', 'read', 'edit', 'delete'],
      owner: 'ci',
    });
    expect(tokenHolder('ci', ['read'])).toEqual({ kind: 'token', name: 'ci', rights: ['read'], owner: 'ci' });
    expect(anonymous(['create'])).toEqual({ kind: 'anonymous', name: '', rights: ['create'], owner: '' });
  });

  test('may do what is among its rights, and is told of what is not', () => {
    expect(() => demand('create', anonymous(['create']))).not.toThrow();
    expect(() => demand('delete', anonymous(['create']))).toThrow(
      new ForbiddenError('Deleting needs an API key or token, and this server has none configured.'),
    );
    expect(() => demand('create', anonymous([]))).toThrow(
      new ForbiddenError('Creating links needs an API key or token, and this server has none configured.'),
    );
    expect(() => demand('delete', tokenHolder('ci'))).not.toThrow();
    expect(() => demand('read', tokenHolder('ci', ['create', 'delete']))).toThrow(
      new ForbiddenError('Looking links up is not among the rights of this API token.'),
    );
  });
});
