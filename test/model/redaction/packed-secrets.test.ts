import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redactServer } from '../../../src/model/redaction/redact-server.ts'
import { server } from '../../builders.ts'

const shownArgs = (...args: string[]) => redactServer(server({ type: 'stdio', command: 'run', args })).args

/** A command line as its program with arguments, in metadata too, as one text, and in a shell. */
function formsOf([command = '', ...args]: readonly string[]): object {
  const line = [command, ...args].map((arg) => (/\s/.test(arg) ? `'${arg}'` : arg)).join(' ')
  return redactServer(
    server({
      type: 'stdio',
      command,
      args,
      metadata: {
        command,
        args,
        line,
        shell: ['sh', '-c', line],
        nested: `sh -c "${line}"`,
        next: `cd /srv && ${line}`,
      },
    }),
  )
}

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
    ['sh', '-c', "mysql -p'canary one' db"],
    ['sh', '-c', 'mysqldump -p"canary" db'],
    ['sh', '-c', "curl --user='me:canary' https://host.example/"],
    ['sh', '-c', "run --token $'canary one' --verbose"],
    ['sh', '-c', 'run --token \\\n  canary'],
    ['sh', '-c', "TOKEN=$'canary one' run"],
    ['sh', '-c', 'echo canary | docker login -u me --password-stdin'],
    ['sh', '-c', 'echo canary|docker login -u me --password-stdin'],
    ['sh', '-c', "printf '%s' 'canary one' | helm registry login --password-stdin"],
    ['sh', '-c', 'sshpass -p canary ssh -p 22 host'],
    ['sh', '-c', 'sh -c "curl -sSu \\"me:canary\\" https://host.example/"'],
  ])
    it(`are redacted in ${JSON.stringify(args)}`, () => {
      assert.doesNotMatch(JSON.stringify(shownArgs(...args)), /canary/i)
    })

  for (const line of [
    ['curl', '-sSu', 'me:canary', 'https://host.example/'],
    ['curl', '-su', 'me:canary'],
    ['curl', '-kvu', 'me:canary'],
    ['curl', '-fsSLu', 'me:canary'],
    ['curl', '-sume:canary'],
    ['curl', '-sSH', 'X-Key: canary'],
    ['curl', '-b', 'session=canary'],
    ['curl', '-sb', 'session=canary'],
    ['/usr/bin/curl', '-U', 'me:canary'],
    ['sshpass', '-p', 'canary', 'ssh', 'host'],
    ['sshpass', '-pcanary', 'ssh', 'host'],
    ['redis-cli', '-h', 'host', '-a', 'canary', 'ping'],
    ['az', 'login', '--service-principal', '-u', 'me', '-p', 'canary'],
    ['docker', 'login', '-u', 'me', '-p', 'canary', 'registry.example'],
    ['ldapsearch', '-x', '-D', 'cn=me', '-w', 'canary'],
    ['smbclient', '//host/share', '-U', 'me%canary'],
    ['smbclient', '--user=me%canary', '//host/share'],
    ['smbclient', '--user', 'me%canary', '//host/share'],
    ['sqlcmd', '-S', 'host', '-U', 'me', '-P', 'canary'],
    ['mysqldump', '-pcanary', 'db'],
  ])
    it(`are redacted wherever ${JSON.stringify(line.join(' '))} stands`, () => {
      assert.doesNotMatch(JSON.stringify(formsOf(line)), /canary/)
    })

  for (const line of [
    ['docker', 'run', '-p', '8080:80', '-it', 'redis-cli:7'],
    ['ssh', '-p', '22', 'host'],
    ['sshpass', '-e', 'ssh', '-p', '22', 'host'],
    ['curl', '-sSLo', 'file', '-b', 'cookies.txt', 'https://host.example/'],
    ['psql', '-U', 'me', '-p', '5432', '-w'],
    ['mysql', '-u', 'root', '-P', '3306', 'db'],
    ['run', '-gpu', 'cuda:0', '-a', 'all', '-b', 'main', '-P', 'fast'],
    ['echo', 'hello', '|', 'cat'],
    ['docker', 'login', '--password-stdin', 'registry.example'],
  ])
    it(`are not seen in ${JSON.stringify(line.join(' '))}`, () => {
      assert.doesNotMatch(JSON.stringify(formsOf(line)), /redacted/)
    })

  for (const args of [
    ['--token', '--verbose'],
    ['-p', '8080:80', '-p8080:80', '-private', '--port=80'],
    ['sh', '-c', 'ls -la --all && run --token --verbose'],
    ['sh', '-c', "it's run -a 'b c' --name=\"d e\" -v"],
    ['https://host.example/guide#install', 'https://host.example/services/a/b'],
  ])
    it(`are not seen in ${JSON.stringify(args)}`, () => {
      assert.deepEqual(shownArgs(...args), args)
    })

  it('are redacted without the arguments beside them', () => {
    const line = `mysql -p"canary"; docker login --password-stdin <<< canary && curl -b a=canary x|jq .`
    const shown = `mysql -p"<redacted>"; docker login --password-stdin <<< <redacted> && curl -b a=<redacted> x|jq .`

    assert.deepEqual(shownArgs('sh', '-c', line), ['sh', '-c', shown])
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
