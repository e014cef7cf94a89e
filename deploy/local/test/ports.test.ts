import { freePorts } from '../src/servers/ports';

test('calls at once find different ports, and so do calls one after the other', async () => {
  const asked = await Promise.all(Array.from({ length: 50 }, () => freePorts(4)));
  const later = await freePorts(100);
  const found = [...asked.flat(), ...later];
  expect(new Set(found).size).toBe(300);
});
