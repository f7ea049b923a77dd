import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { json, openDirectory } from '../sources/http/test-directory.ts'
import { temporary, until } from './daemon-process.ts'

type Shown = { env?: Record<string, string>; plain?: string[] }

const env = {
  REGION: 'eu-central-1',
  API_KEY: 'c4nary-key',
  DATABASE_URL: 'postgres://app:c4nary-pw@db/app',
  LOG_LEVEL: 'info',
}

describe('variables that a definition names in plain', () => {
  it('are shown where the operator wrote the definition, but for what is a secret by its form', async () => {
    using folder = temporary()
    const files = { command: 'npx', args: ['-y', 'files'], env, plain: ['REGION', 'DATABASE_URL'] }
    writeFileSync(folder.at('servers.json'), JSON.stringify({ servers: { files } }))
    await using daemon = await startHere(
      'store: { type: memory }\nsources: [{ type: file, paths: [servers.json] }]\n',
      {
        folder,
      },
    )

    const { body, text } = await daemon.ask<Shown>('GET', '/servers/files')
    assert.deepEqual(body.env, {
      REGION: 'eu-central-1',
      API_KEY: '<redacted>',
      DATABASE_URL: 'postgres://app:<redacted>@db/app',
      LOG_LEVEL: 'info',
    })
    assert.doesNotMatch(text, /c4nary/)
    const { body: config } = await daemon.ask<{ mcpServers: Record<string, Shown> }>('GET', '/discover?format=claude')
    assert.equal(config.mcpServers['files']?.env?.['REGION'], 'eu-central-1')
    assert.match(config.mcpServers['files']?.env?.['API_KEY'] ?? '', /^\$\{/)
  })

  it('stay hidden where a directory wrote it, which is not the operator', async () => {
    using directory = await openDirectory(json({ servers: { far: { command: 'npx', env, plain: ['REGION'] } } }))
    const source = (more: string) =>
      `store: { type: memory }\nsources: [{ type: http, url: "${directory.url}/servers.json"${more} }]\n`
    await using daemon = await startHere(source(', allow_stdio: true'))
    const shown = async () => (await daemon.ask<Shown>('GET', '/servers/far')).body.env?.['REGION']
    await until(async () => (await shown()) === 'eu-central-1')

    using remote = await openDirectory(
      json({ servers: { far: { url: 'http://far.example/mcp', env, plain: ['REGION'] } } }),
    )
    await using untrusted = await startHere(
      `store: { type: memory }\nsources: [{ type: http, url: "${remote.url}/servers.json" }]\n`,
    )
    await until(async () => (await untrusted.ask('GET', '/servers/far')).status === 200)
    const { body } = await untrusted.ask<Shown>('GET', '/servers/far')
    assert.deepEqual([body.env?.['REGION'], body.plain], ['<redacted>', undefined])
  })

  it('cannot be added by an admin without the right to see secrets', async () => {
    const tokens = [
      { name: 'owner', token: 'owner-token-0123456789', role: 'admin', secrets: true },
      { name: 'helper', token: 'helper-token-0123456789', role: 'admin' },
    ]
    await using daemon = await startHere(
      `store: { type: memory }\nsources: [{ type: manual, allow_stdio: true }]\nauth: ${JSON.stringify({ tokens })}\n`,
    )
    const as = (token: string) => ({ authorization: `Bearer ${token}-token-0123456789` })
    const definition = { command: 'npx', env, plain: ['REGION'] }
    assert.equal((await daemon.ask('PUT', '/servers/x', definition, as('owner'))).status, 201)

    const { status, text } = await daemon.ask('PATCH', '/servers/x', { plain: ['REGION', 'API_KEY'] }, as('helper'))
    assert.equal(status, 400, text)
    const { body } = await daemon.ask<Shown>('PATCH', '/servers/x', { description: 'Files.' }, as('helper'))
    assert.deepEqual([body.env?.['REGION'], body.env?.['API_KEY']], ['eu-central-1', '<redacted>'])
    const owner = await daemon.ask<Shown>('PATCH', '/servers/x', { plain: ['API_KEY'] }, as('owner'))
    assert.deepEqual([owner.body.env?.['REGION'], owner.body.env?.['API_KEY']], ['<redacted>', 'c4nary-key'])
  })
})
