import { integer, oneOf, type Parser, type Rule, type SettingList } from '@lakh/settings';
import { sealed } from './sealed.js';
import { parseSealedKeys, type SealedKey } from './sealed-keys.js';
import { SQIDS_MAX_MIN_LENGTH, sqids } from './sqids.js';

// What a codec cannot be made of is malformed.
const keysOfSealed: Parser<readonly SealedKey[]> = {
  expected: 'keys apart by white space, each id:hexadecimal key:first counter',
  parse(text) {
    const keys = parseSealedKeys(text);
    sealed(keys);
    return keys;
  },
};

const alphabetOfSqids: Parser<string> = {
  expected: '16 to 62 different characters of 0-9A-Za-z',
  parse(alphabet) {
    sqids({ alphabet });
    return alphabet;
  },
};

export const codecSettings = {
  codec: {
    name: 'LAKH_CODEC',
    parser: oneOf('base62', 'sqids', 'sealed'),
    default: 'base62',
    description: 'How counters become codes; fixed for a database at its first start.',
  },
  sealedKeys: {
    name: 'LAKH_SEALED_KEYS',
    parser: keysOfSealed,
    secret: true,
    description: 'Keys of the sealed codec; required by LAKH_CODEC=sealed.',
  },
  sqidsAlphabet: {
    name: 'LAKH_SQIDS_ALPHABET',
    parser: alphabetOfSqids,
    description: 'Alphabet of the sqids codec, shuffled for this database.',
  },
  sqidsMinLength: {
    name: 'LAKH_SQIDS_MIN_LENGTH',
    parser: integer(0, SQIDS_MAX_MIN_LENGTH),
    description: 'Shortest code of the sqids codec, in characters.',
  },
} as const satisfies SettingList;

/** Parameters of a codec belong to it. */
export const codecRule: Rule<typeof codecSettings> = ({ codec, ...values }, given) => {
  const found: string[] = [];
  if (codec === 'sealed' && values.sealedKeys === undefined) {
    found.push('LAKH_CODEC=sealed needs LAKH_SEALED_KEYS, which is not set or not usable');
  }
  for (const [key, owner] of [
    ['sealedKeys', 'sealed'],
    ['sqidsAlphabet', 'sqids'],
    ['sqidsMinLength', 'sqids'],
  ] as const) {
    if (codec === undefined || codec === owner || given[key] === undefined) continue;
    const { name } = codecSettings[key];
    const shown = key === 'sealedKeys' ? `${name} (secret)` : `${name}=${given[key]}`;
    found.push(`${shown} has no effect with LAKH_CODEC=${codec}: unset it, or set LAKH_CODEC=${owner}`);
  }
  return found;
};
