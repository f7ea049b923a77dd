import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { packageOf } from '../../../src/api/publish/packages.ts'

describe('the package of a command', () => {
  for (const [line, registryType, identifier, version] of [
    ['npx -y @acme/weather@1.4.0', 'npm', '@acme/weather', '1.4.0'],
    ['npx @acme/weather', 'npm', '@acme/weather', undefined],
    ['npx weather@latest', 'npm', 'weather', undefined],
    ['/usr/bin/npx weather', 'npm', 'weather', undefined],
    ['npx.cmd weather', 'npm', 'weather', undefined],
    ['bunx --bun weather', 'npm', 'weather', undefined],
    ['uvx --python 3.12 weather@2', 'pypi', 'weather', '2'],
    ['dnx --yes Acme.Weather', 'nuget', 'Acme.Weather', undefined],
    ['docker run -i --rm -e KEY=1 ghcr.io/acme/w:2 serve', 'oci', 'ghcr.io/acme/w:2', undefined],
  ] as const) {
    it(`is ${identifier} of ${registryType} for "${line}"`, () => {
      const [command, ...args] = line.split(' ')

      const runnable = packageOf({ command, args, env: undefined })

      assert.deepEqual(
        [runnable?.registryType, runnable?.identifier, runnable?.version],
        [registryType, identifier, version],
      )
    })
  }

  for (const line of ['python -m weather', 'docker compose up', 'npx ${PACKAGE}', 'npx'])
    it(`is unknown for "${line}"`, () => {
      const [command, ...args] = line.split(' ')

      assert.equal(packageOf({ command, args, env: undefined }), undefined)
    })

  it('keeps the arguments of the runner before it, and those of the server after it', () => {
    const { runtimeArguments, packageArguments } =
      packageOf({
        command: 'docker',
        args: ['run', '-i', '-e', 'KEY=1', 'w:2', 'serve', '--token', '<redacted>'],
        env: undefined,
      }) ?? {}

    assert.deepEqual(
      runtimeArguments?.map(({ value }) => value),
      ['-e', 'KEY=1'],
    )
    assert.deepEqual(packageArguments, [
      { type: 'positional', value: 'serve' },
      { type: 'positional', value: '--token' },
      { type: 'positional', valueHint: 'secret', isRequired: true, isSecret: true },
    ])
  })
})
