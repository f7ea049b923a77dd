import { createHash } from 'node:crypto'

const style = `
:root { color-scheme: light dark; --line: light-dark(#ddd, #444); --soft: light-dark(#666, #aaa); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; text-transform: capitalize; }
p.soft, td.soft, small { color: var(--soft); }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .5rem .8rem; }
summary { cursor: pointer; } code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow: auto; max-height: 24rem; border: 1px solid var(--line); border-radius: 6px; padding: .6rem; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 600; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid var(--line); padding: .25rem .6rem .25rem 0; vertical-align: top; }
`

/** Inserts every value of the document as text, never as markup. */
const script = `
const make = (name, text, ...children) => {
  const element = document.createElement(name)
  if (text) element.textContent = text
  element.append(...children)
  return element
}
const table = (rows) => make('table', '', ...rows.map((cells) => make('tr', '', ...cells.map((cell) => make('td', cell)))))
const operation = (method, path, { summary, description, deprecated, parameters = [], responses = {} }) => {
  const head = make('summary')
  const verb = make('span', method.toUpperCase())
  verb.className = 'method'
  head.append(verb, make('code', path), ' ', make('small', summary + (deprecated ? ' (deprecated)' : '')))
  const body = [make('p', description)]
  if (parameters.length) body.push(make('h4', 'Parameters'), table(parameters.map((one) => [one.name, one.in, one.description || ''])))
  body.push(make('h4', 'Responses'), table(Object.entries(responses).map(([status, one]) => {
    const schemas = Object.entries(one.content || {}).map(([type, { schema }]) => type + (schema && schema.$ref ? ' ' + schema.$ref.split('/').pop() : ''))
    return [status, one.description, schemas.join(', ')]
  })))
  return make('details', '', head, ...body)
}
const main = document.querySelector('main')
fetch('openapi.json').then((answer) => answer.json()).then(({ info, paths, components }) => {
  main.replaceChildren(make('h1', info.title + ' ' + info.version), make('p', info.description), make('p', 'The routes of servers, agents and capabilities also exist under /api/v1.'))
  const groups = new Map()
  // Routes that also exist under /api/v1 are shown once.
  const shown = Object.entries(paths).filter(([path]) => !(path.startsWith('/api/v1/') && path.slice(7) in paths))
  for (const [path, methods] of shown) for (const [method, one] of Object.entries(methods)) {
    const group = (one.tags || ['other'])[0]
    groups.set(group, [...(groups.get(group) || []), operation(method, path, one)])
  }
  for (const [group, operations] of groups) main.append(make('h2', group), ...operations)
  main.append(make('h2', 'schemas'))
  for (const [name, schema] of Object.entries((components || {}).schemas || {})) {
    main.append(make('details', '', make('summary', name), make('pre', JSON.stringify(schema, null, 2))))
  }
}).catch((error) => main.replaceChildren(make('p', 'Reading openapi.json failed: ' + error.message)))
`

/** A page that shows `openapi.json` and loads nothing else, with the content security policy that allows exactly this. */
export function docsPage(): { html: string; policy: string } {
  const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>mcp-roster API</title><style>${style}</style></head>
<body><main><p>Loading openapi.json…</p></main><noscript><p>See <a href="openapi.json">openapi.json</a>.</p></noscript><script>${script}</script></body>
</html>
`
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(script)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
  return { html, policy }
}
