import { MemoryFactStore } from '@lakh/testkit';
import { agreeOnSecret, SECRET_FACT } from '../src/index.js';

const secret = (letter: string) => letter.repeat(43);

test('the first server records its secret, and all learn that one', async () => {
  const facts = new MemoryFactStore();
  const learnt = await Promise.all(['a', 'b', 'c'].map((letter) => agreeOnSecret(facts, secret(letter))));
  expect(learnt).toEqual([secret('a'), secret('a'), secret('a')]);
});

test.each(['', 'a', `${'a'.repeat(42)}!`, 'a'.repeat(44)])(
  '%j was recorded by no server and is not believed',
  async (text) => {
    const facts = new MemoryFactStore();
    await facts.recordOnce(SECRET_FACT, text);
    const refused = agreeOnSecret(facts, secret('a'));
    await expect(refused).rejects.toThrow(SECRET_FACT);
    // The text might be what somebody believes to be a secret.
    await expect(refused).rejects.toThrow(/^the fact shared_secret is not one that a server has recorded$/);
  },
);
