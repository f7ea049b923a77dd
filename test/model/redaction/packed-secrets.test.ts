import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redactServer } from '../../../src/model/redaction/redact-server.ts'
import { server } from '../../builders.ts'

const shownArgs = (...args: string[]) => redactServer(server({ type: 'stdio', command: 'run', args })).args

describe('secrets without a name of their own', () => {
  for (const args of [
    ['sh', '-c', 'curl -u me:canary-1 https://host.example/'],
    ['sh', '-c', 'curl -ume:canary-1 https://host.example/'],
    ['sh', '-c', "curl -H 'X-Key: canary-1' https://host.example/"],
    ['sh', '-c', 'mysql -pCanary1canary-1 db'],
    ['mysql', '-pS3cret-canary-1'],
    ['-ume:canary-1'],
    ['--token', '--SECRET-canary-1'],
    ['sh', '-c', 'run --token --SECRET-canary-1'],
    ['--hook', 'https://hooks.slack.com/services/T0canary/B0canary/canary1'],
    ['https://discord.com/api/webhooks/123456/canary-canary'],
    ['https://acme.webhook.office.com/webhookb2/canary@canary/IncomingWebhook/canary/canary'],
    ['https://api.telegram.org/bot123456:canary-canary/sendMessage'],
    ['https://hooks.zapier.com/hooks/catch/123/canary/'],
    ['https://host.example/#canary1canary2CANARY3'],
    ['https://host.example/?k=canary-1'],
  ])
    it(`are redacted in ${JSON.stringify(args)}`, () => {
      assert.doesNotMatch(JSON.stringify(shownArgs(...args)), /canary/i)
    })

  for (const args of [
    ['--token', '--verbose'],
    ['-p', '8080:80', '-p8080:80', '-private', '--port=80'],
    ['sh', '-c', 'ls -la --all && run --token --verbose'],
    ['https://host.example/guide#install', 'https://host.example/services/a/b'],
  ])
    it(`are not seen in ${JSON.stringify(args)}`, () => {
      assert.deepEqual(shownArgs(...args), args)
    })

  it('are redacted by their form where names and versions stand', () => {
    const token = 'ghp_canary0123456789'
    const shown = redactServer(
      server({
        cwd: `/home/${token}`,
        version: token,
        dependencies: [token, 'password-reset'],
        capabilities: [
          {
            name: 'token-search',
            version: '1.0.0',
            description: `uses https://me:canary@host.example/ and ${token}`,
            input_schema: { type: 'object', properties: { password: { type: 'string', default: token } } },
          },
        ] as never,
      }),
    )

    assert.doesNotMatch(JSON.stringify(shown), /canary/)
    assert.deepEqual(shown.dependencies[1], 'password-reset')
    assert.equal(shown.capabilities[0]?.name, 'token-search')
  })
})

describe('variables that are no secret', () => {
  it('are shown with a short plain value', () => {
    const env = {
      LOG_LEVEL: 'debug',
      NODE_ENV: 'production',
      TZ: 'Europe/Berlin',
      LANG: 'C.UTF-8',
      PORT: '80',
      DEBUG: '1',
    }

    assert.deepEqual(redactServer(server({ type: 'stdio', command: 'run', env })).env, env)
  })

  it('are hidden with any other value, and under any other name', () => {
    const env = { LOG_LEVEL: 'a b', TZ: 'x'.repeat(33), DEBUG: 'ghp_canary0123456789', MODE: 'fast', port: '80' }
    const hidden = Object.fromEntries(Object.keys(env).map((name) => [name, '<redacted>']))

    assert.deepEqual(redactServer(server({ type: 'stdio', command: 'run', env })).env, hidden)
  })
})
