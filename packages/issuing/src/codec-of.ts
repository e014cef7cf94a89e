import type { SettingsOf } from '@lakh/settings';
import { type Codec, type codecSettings, createCodec } from '@lakh/short-code';

type CodecSettings = SettingsOf<typeof codecSettings>;

/** The codec that the settings name. Throws the codec's own error, without key material, for parameters that make no sense. */
export function codecOf({ codec, sealedKeys, sqidsAlphabet, sqidsMinLength }: CodecSettings): Codec {
  switch (codec) {
    case 'base62':
      return createCodec({ codec });
    case 'sqids':
      return createCodec({
        codec,
        ...(sqidsAlphabet === undefined ? {} : { alphabet: sqidsAlphabet }),
        ...(sqidsMinLength === undefined ? {} : { minLength: sqidsMinLength }),
      });
    case 'sealed':
      return createCodec({ codec, keys: sealedKeys ?? [] });
  }
}
