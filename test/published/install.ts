/** Installs the runtimes of published agents from the Python package index, for the tests of this folder. */
import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { environmentOf, markerOf, pythonOf, requirementsOf, type Runtime, runtimes } from './installation.ts'

const execute = promisify(execFile)

/** What agents import: compiled once here, and not by several agents at the same time. */
const imported = 'import mesh, fastmcp, uvicorn'

async function install(runtime: Runtime): Promise<void> {
  if (pythonOf(runtime).skip === false) return
  const environment = environmentOf(runtime)
  rmSync(environment, { recursive: true, force: true })
  mkdirSync(dirname(environment), { recursive: true })
  const python = join(environment, 'bin', 'python')
  await execute('python3', ['-m', 'venv', environment])
  const pins = ['--no-deps', '--require-hashes', '--only-binary', ':all:', '-r', requirementsOf(runtime)]
  await execute(python, ['-m', 'pip', 'install', '--quiet', '--no-compile', '--disable-pip-version-check', ...pins])
  await execute(python, ['-c', imported])
  writeFileSync(markerOf(runtime), '')
}

const begun = performance.now()
await Promise.all(runtimes.map(install))
process.stdout.write(`agent runtimes ready after ${((performance.now() - begun) / 1000).toFixed(0)} s\n`)
