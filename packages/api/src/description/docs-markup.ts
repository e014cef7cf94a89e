/** Parts of the description as markup. */
import { escapeHtml } from '@lakh/http';
import type { Content, Schema } from './openapi.js';

/** Escaped, with `code` in backticks as code. */
export function inline(text: string): string {
  return escapeHtml(text.trim()).replace(/`([^`]+)`/g, '<code>$1</code>');
}

export function codeBlock(text: string): string {
  // What is wider than the screen is scrolled, by the keyboard too.
  return `<pre tabindex="0"><code>${escapeHtml(text)}</code></pre>\n`;
}

export const anchorOf = (schema: string) => `schema-${schema}`;

const nameOf = ($ref: string) => $ref.slice($ref.lastIndexOf('/') + 1);

/** What bounds a value, by keyword. */
const BOUNDS: Readonly<Record<string, string>> = {
  minLength: 'at least %s characters',
  maxLength: 'at most %s characters',
  minItems: 'at least %s',
  maxItems: 'at most %s',
  minimum: 'from %s',
  maximum: 'to %s',
  format: '%s',
  pattern: '%s',
  default: '%s unless said otherwise',
};

/** A type in words, with its bounds. */
export function typeMarkup(schema: Schema): string {
  const bounds = Object.entries(BOUNDS).flatMap(([keyword, words]) =>
    schema[keyword] === undefined
      ? []
      : words.replace('%s', () => `<code>${escapeHtml(String(schema[keyword]))}</code>`),
  );
  return [kindMarkup(schema), ...bounds, ...(schema.writeOnly ? ['never shown'] : [])].join(', ');
}

function kindMarkup(schema: Schema): string {
  const { $ref, type, items, oneOf, allOf, enum: values } = schema;
  if ($ref !== undefined) return `<a href="#${anchorOf(nameOf($ref))}">${nameOf($ref)}</a>`;
  if ('const' in schema) return valueMarkup(schema.const);
  if (values !== undefined) return values.map(valueMarkup).join(' or ');
  if (oneOf !== undefined) return oneOf.map(typeMarkup).join(' or ');
  if (allOf !== undefined) return allOf.map(typeMarkup).join(' and ');
  const kinds = [type ?? 'anything'].flat().join(' or ');
  return items === undefined ? kinds : `${kinds} of ${typeMarkup(items)}`;
}

const valueMarkup = (value: unknown) => `<code>${escapeHtml(JSON.stringify(value))}</code>`;

/** The fields of an object, those of objects in it too; of anything else its type. */
export function fieldsMarkup(schema: Schema): string {
  if (schema.allOf !== undefined) return schema.allOf.map(fieldsMarkup).join('\n');
  if (schema.properties === undefined) {
    const each = schema.additionalProperties;
    return typeof each === 'object' ? `<p>By name, each:</p>\n${fieldsMarkup(each)}` : `<p>${typeMarkup(schema)}</p>`;
  }
  const rows = Object.entries(schema.properties).map(([name, field]) => {
    const facts = `${typeMarkup(field)}${schema.required?.includes(name) ? ', required' : ''}`;
    const further = [field, field.items].filter(hasFields).map(fieldsMarkup).join('');
    return `<dt><code>${escapeHtml(name)}</code> <span class="hint">${facts}</span></dt><dd>${inline(field.description ?? '')}${further}</dd>`;
  });
  return `<dl>\n${rows.join('\n')}\n</dl>`;
}

const hasFields = (schema: Schema | undefined): schema is Schema =>
  schema?.properties !== undefined || typeof schema?.additionalProperties === 'object';

/** What a body may be, by media type, with its examples. */
export function contentMarkup(content: Content): string {
  return Object.entries(content)
    .map(([type, { schema, examples = {} }]) => {
      const shown = Object.values(examples).map(({ value }) => codeBlock(JSON.stringify(value, null, 2)));
      const why = schema?.description === undefined ? '' : `. ${inline(schema.description)}`;
      const body = schema === undefined || Object.keys(schema).length === 0 ? '' : `: ${typeMarkup(schema)}${why}`;
      const fields = hasFields(schema) ? fieldsMarkup(schema) : '';
      return `<code>${escapeHtml(type)}</code>${body}\n${fields}${shown.join('')}`;
    })
    .join('<br>\n');
}
