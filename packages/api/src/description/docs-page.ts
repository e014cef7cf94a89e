/** The API's description as a page: every operation, field, error and example; it needs no script. */
import { createHash } from 'node:crypto';
import { escapeHtml, htmlPage, PAGE_LOOK, statusOf } from '@lakh/http';
import { anchorOf, codeBlock, contentMarkup, fieldsMarkup, inline, typeMarkup } from './docs-markup.js';
import {
  type Answered,
  OPERATION_METHODS,
  type OpenApi,
  type Operation,
  type Parameter,
  resolve,
  type Schema,
} from './openapi.js';

const LOOK = `${PAGE_LOOK}
header, main { max-width: 56rem; }
h2 { margin: 2.75rem 0 0; font-size: 1.45rem; }
h3 { margin: 0; font-size: 1.15rem; overflow-wrap: anywhere; }
h4 { margin: 1.25rem 0 0.25rem; font-size: 1rem; }
section { margin-top: 1.5rem; padding: 1.1rem 1.2rem; border: 1px solid var(--line); border-radius: 0.6rem; }
nav ul { margin: 0.4rem 0 0; padding: 0 0 0 1.1rem; columns: 18rem; column-gap: 2rem; }
code, pre { font: 0.92em/1.45 ui-monospace, monospace; }
pre { margin: 0.4rem 0 0; padding: 0.7rem 0.8rem; border: 1px solid var(--line); border-radius: 0.4rem; overflow-x: auto; }
code { overflow-wrap: anywhere; }
pre code { overflow-wrap: normal; }
dl { margin: 0.4rem 0 0; }
dt { margin-top: 0.55rem; }
dd { margin: 0 0 0 1.1rem; }
.method { color: var(--accent); }
.hint { opacity: 0.85; font-size: 0.95rem; }
`;

const STYLE_HASH = createHash('sha256').update(LOOK).digest('base64');

/** It has its look in itself and nothing else. */
export const DOCS_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

interface Told extends Operation {
  readonly method: string;
  readonly path: string;
}

export function renderDocs(api: OpenApi): string {
  const operations = Object.entries(api.paths).flatMap(([path, item]) =>
    OPERATION_METHODS.flatMap((method) => {
      const operation = item[method] as Operation | undefined;
      if (operation === undefined) return [];
      const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])];
      return { ...operation, parameters, method: method.toUpperCase(), path } satisfies Told;
    }),
  );
  const tags = api.tags.map(({ name }) => name);
  const ofTag = (tag: string) => operations.filter((operation) => operation.tags?.includes(tag));
  return htmlPage({
    title: 'The API',
    head: `<style>${LOOK}</style>`,
    main: `<h1>The API</h1>
<p>${inline(api.info.summary)}. Version ${escapeHtml(api.info.version)}, at <code>${escapeHtml(api.servers[0]?.url ?? '')}</code>; as <a href="/api/v1/openapi.json">OpenAPI 3.1</a>.</p>
<p>${inline(api.info.description)}</p>
<nav aria-label="Operations">
${tags.map((tag) => `<h4>${escapeHtml(tag)}</h4>\n<ul>\n${ofTag(tag).map(entry).join('\n')}\n</ul>`).join('\n')}
<h4>more</h4>
<ul><li><a href="#fields">Fields</a></li><li><a href="#errors">Errors</a></li></ul>
</nav>
${api.tags
  .map(
    ({ name, description }) =>
      `<h2>${escapeHtml(name)}</h2>\n${paragraph(description)}${ofTag(name)
        .map((one) => operationMarkup(api, one))
        .join('\n')}`,
  )
  .join('\n')}
<h2 id="fields">Fields</h2>
${Object.entries(api.components.schemas as Record<string, Schema>)
  .map(([name, schema]) => schemaMarkup(name, schema))
  .join('\n')}
<h2 id="errors">Errors</h2>
<p>Problem details (RFC 9457), as <a href="#schema-Problem">Problem</a>; programs go by <code>code</code>.</p>
<dl>
${errorsMarkup(api, operations)}
</dl>`,
  });
}

const entry = ({ operationId, summary }: Told) =>
  `<li><a href="#${operationId}">${inline(summary ?? operationId)}</a></li>`;

const paragraph = (text: string | undefined, before = '') =>
  text === undefined ? '' : `<p>${before}${inline(text)}</p>\n`;

function operationMarkup(api: OpenApi, operation: Told): string {
  const { operationId, method, path, summary, description, security, requestBody: body, responses } = operation;
  const parameters = (operation.parameters ?? []).map((parameter) => resolve(api, parameter));
  const access =
    security.length === 0
      ? 'Anyone may ask.'
      : security.some((each) => Object.keys(each).length === 0)
        ? 'With a token, where the server has tokens.'
        : 'With a token.';
  return `<section id="${operationId}">
<h3><span class="method">${method}</span> <code>${escapeHtml(path)}</code></h3>
${paragraph(summary)}${paragraph(description)}<p class="hint">${access}</p>
${parameters.length === 0 ? '' : `<h4>Parameters</h4>\n<dl>\n${parameters.map(parameterMarkup).join('\n')}\n</dl>`}
${body === undefined ? '' : `<h4>Body</h4>\n${paragraph(body.description)}${contentMarkup(body.content)}${curlOf(api, operation)}`}
<h4>Answers</h4>
<dl>
${Object.entries(responses)
  .map(([status, answered]) => answerMarkup(api, status, resolve(api, answered)))
  .join('\n')}
</dl>
</section>`;
}

function parameterMarkup({ name, in: place, required, description, schema, example }: Parameter): string {
  const facts = [place, required ? 'required' : '', schema ? typeMarkup(schema) : ''].filter((fact) => fact !== '');
  const shown = example === undefined ? '' : ` Such as <code>${escapeHtml(String(example))}</code>.`;
  return `<dt><code>${escapeHtml(name)}</code> <span class="hint">${facts.join(', ')}</span></dt><dd>${inline(description ?? '')}${shown}</dd>`;
}

function answerMarkup(
  api: OpenApi,
  status: string,
  { description = '', headers = {}, content = {} }: Answered,
): string {
  const named = Object.entries(headers).map(([name, header]) => {
    const { description: why, schema } = resolve(api, header);
    return `<code>${escapeHtml(name)}</code> (${why === undefined ? typeMarkup(schema ?? {}) : inline(why)})`;
  });
  const told = named.length === 0 ? '' : `<br><span class="hint">Headers: ${named.join('; ')}</span>`;
  const types = Object.keys(content).length === 0 ? '' : `<br>${contentMarkup(content)}`;
  return `<dt><strong>${status}</strong></dt><dd>${inline(description)}${told}${types}</dd>`;
}

/** The first example, as it is typed. */
function curlOf(api: OpenApi, { method, path, requestBody, security }: Told): string {
  const [type, { examples = {} } = {}] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const [example] = Object.values(examples);
  if (type === undefined || example === undefined) return '';
  const token = security.length === 0 ? '' : ` -H 'Authorization: Bearer TOKEN'`;
  const text = JSON.stringify(example.value).replaceAll("'", `'\\''`);
  return codeBlock(
    `curl -X ${method} '${api.servers[0]?.url ?? ''}${path}'${token} \\\n  -H 'Content-Type: ${type}' -d '${text}'`,
  );
}

function schemaMarkup(name: string, schema: Schema): string {
  const examples = (schema.examples as readonly unknown[] | undefined) ?? [];
  const shown = examples.map((example) => codeBlock(JSON.stringify(example))).join('');
  return `<section id="${anchorOf(name)}">
<h3>${escapeHtml(name)}</h3>
${paragraph(schema.description)}${fieldsMarkup(schema)}${shown}
</section>`;
}

/** Each code with its status and the operations whose answers name it. */
function errorsMarkup(api: OpenApi, operations: readonly Told[]): string {
  const { ProblemCode } = api.components.schemas as Record<string, Schema>;
  const codes = ProblemCode?.enum ?? [];
  return codes
    .map((code) => {
      const from = operations.filter(({ responses }) =>
        Object.values(responses).some((answered) => resolve(api, answered).description?.includes(`\`${code}\``)),
      );
      const links = from.map(({ operationId }) => `<a href="#${operationId}">${operationId}</a>`).join(', ');
      const status = statusOf(String(code));
      return `<dt id="error-${code}"><code>${code}</code>${status === undefined ? '' : ` <span class="hint">${status}</span>`}</dt><dd>${links || 'Any operation.'}</dd>`;
    })
    .join('\n');
}
