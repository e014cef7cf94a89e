import { assertNamespace } from '../src/index.js';

test.each(['links', '0', 'a-b-', 'x'.repeat(32)])('a namespace may be called %s', (name) => {
  expect(() => assertNamespace(name)).not.toThrow();
});

test.each(['', '-links', 'Links', 'a_b', 'a.b', 'a/b', ' a', 'a\n', "x' OR 1=1 --", 'x'.repeat(33)])(
  'a namespace may not be called %j',
  (name) => {
    expect(() => assertNamespace(name)).toThrow(new RangeError(`not a namespace: ${JSON.stringify(name)}`));
  },
);
