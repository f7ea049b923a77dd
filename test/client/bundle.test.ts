import assert from 'node:assert/strict'
import { it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { build, type BuildOptions } from 'esbuild'

it('client bundle is one small file for browsers without imports', async () => {
  const options = {
    entryPoints: ['src/client/index.ts'],
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    format: 'esm',
    metafile: true,
    write: false,
  } satisfies BuildOptions
  const { outputFiles, metafile } = await build(options)
  const minified = await build({ ...options, minify: true })

  const { text = '' } = outputFiles[0] ?? {}
  assert.deepEqual(
    Object.keys(metafile.inputs).filter((input) => !/^src\/(client|flow|model)\//.test(input)),
    [],
  )
  const bytes = gzipSync(minified.outputFiles[0]?.contents ?? '').length
  assert.ok(bytes > 1000 && bytes < 12_000, `${bytes} bytes with gzip`)
  assert.doesNotMatch(text, /\b(process|Buffer|setImmediate|require)\b[.(]/)
})
