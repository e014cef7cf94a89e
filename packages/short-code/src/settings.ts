import { integer, matching, oneOf, type Rule, type SettingList, text } from '@lakh/settings';

export const codecSettings = {
  codec: {
    name: 'LAKH_CODEC',
    parser: oneOf('base62', 'sqids', 'sealed'),
    default: 'base62',
    description: 'How counters become codes; fixed for a database at its first start.',
  },
  sealedKeys: {
    name: 'LAKH_SEALED_KEYS',
    parser: text('keys of the sealed codec'),
    secret: true,
    description: 'Keys of the sealed codec; required by LAKH_CODEC=sealed.',
  },
  sqidsAlphabet: {
    name: 'LAKH_SQIDS_ALPHABET',
    parser: matching(/^(?!.*(.).*\1)[0-9A-Za-z]{16,62}$/, '16 to 62 different characters of 0-9A-Za-z'),
    description: 'Alphabet of the sqids codec, shuffled for this database.',
  },
  sqidsMinLength: {
    name: 'LAKH_SQIDS_MIN_LENGTH',
    parser: integer(0, 32),
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
