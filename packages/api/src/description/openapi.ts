import { readFileSync } from 'node:fs';

/** What is used here of OpenAPI 3.1 and JSON Schema 2020-12. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly additionalProperties?: boolean | Schema;
  readonly [keyword: string]: unknown;
}

export interface Parameter {
  readonly $ref?: string;
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Schema;
  readonly example?: unknown;
}

export type Content = Readonly<
  Record<
    string,
    { readonly schema?: Schema; readonly examples?: Readonly<Record<string, { readonly value: unknown }>> }
  >
>;

export interface Answered {
  readonly $ref?: string;
  readonly description?: string;
  readonly headers?: Readonly<
    Record<string, { readonly $ref?: string; readonly description?: string; readonly schema?: Schema }>
  >;
  readonly content?: Content;
}

export interface Operation {
  readonly operationId: string;
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly security: readonly object[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly description?: string; readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Answered>>;
}

export interface PathItem {
  readonly parameters?: readonly Parameter[];
  readonly servers?: readonly object[];
  readonly [method: string]: unknown;
}

export interface OpenApi {
  readonly info: {
    readonly title: string;
    readonly version: string;
    readonly summary: string;
    readonly description: string;
  };
  readonly servers: readonly { readonly url: string; readonly description?: string }[];
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** In the order in which a path's operations are told. */
export const OPERATION_METHODS = ['get', 'post', 'patch', 'delete'] as const;

/** Made from docs/reference/openapi.yaml by `node scripts/write-reference.mjs`, so that nothing at run time reads YAML. */
const FILE = new URL('../../openapi.json', import.meta.url);

/** The description as a server at `publicUrl` gives it: without what is on other listeners than that one. */
export function readDescription(publicUrl: string): OpenApi {
  const description = JSON.parse(readFileSync(FILE, 'utf8')) as OpenApi;
  const isHere = ([, item]: readonly [string, PathItem]) => item.servers === undefined;
  return {
    ...description,
    servers: [{ url: publicUrl }],
    tags: description.tags.filter(({ name }) => name !== 'admin'),
    paths: Object.fromEntries(Object.entries(description.paths).filter(isHere)),
  };
}

/** What a reference stands for; anything else is itself. */
export function resolve<Described extends { readonly $ref?: string }>(
  { components }: Pick<OpenApi, 'components'>,
  described: Described,
): Described {
  const [, kind, name] = /^#\/components\/(\w+)\/(\w+)$/.exec(described.$ref ?? '') ?? [];
  if (kind === undefined || name === undefined) return described;
  return components[kind]?.[name] as Described;
}
