import assert from 'node:assert/strict'
import { it } from 'node:test'
import { build } from 'esbuild'

it('client bundle is one small file for browsers without imports', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: ['src/client/index.ts'],
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    format: 'esm',
    metafile: true,
    write: false,
  })

  const { text = '' } = outputFiles[0] ?? {}
  assert.deepEqual(
    Object.keys(metafile.inputs).filter((input) => !/^src\/(client|flow|model)\//.test(input)),
    [],
  )
  assert.ok(text.length < 40_000, `${text.length} characters`)
  assert.doesNotMatch(text, /\b(process|Buffer|setImmediate|require)\b[.(]/)
})
