import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { openSoak, type Scenario } from '../scenario.ts'

const execute = promisify(execFile)

/** The version of Schemathesis, from the Python package index. */
const version = '4.32.5'

/** Settings and hooks of Schemathesis. */
const settings = resolve(import.meta.dirname, '../schemathesis')

/** Paths that are left out: aliases of others, endless streams, and the jobs that a registry of this kind answers with 501. */
const excludedPaths = '^/api/v1|^/v0/|/watch$|^/jobs'

/** The program, installed into the user's cache where it is missing. */
async function schemathesis(): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  const environment = join(cache, 'mcp-roster', `schemathesis-${version}`)
  const program = join(environment, 'bin', 'schemathesis')
  if (existsSync(program)) return program
  rmSync(environment, { recursive: true, force: true })
  mkdirSync(dirname(environment), { recursive: true })
  await execute('python3', ['-m', 'venv', environment])
  const quiet = ['--quiet', '--disable-pip-version-check']
  await execute(join(environment, 'bin', 'python'), ['-m', 'pip', 'install', ...quiet, `schemathesis==${version}`])
  return program
}

const config = `store: { type: memory }
health: { enabled: false }
sources:
  - { type: file, paths: [${resolve('config/examples/servers')}] }
  - { type: agents }
`

const contract: Scenario = {
  name: 'schemathesis',
  what: 'every response of random requests, valid and not, is one that the OpenAPI document describes',
  limitSeconds: ({ of }) => of(900, 300),
  async run({ of }) {
    const program = await schemathesis()
    await using soak = await openSoak({ config })
    // Schemathesis writes its database of examples beside its settings.
    const folder = soak.folder.at('schemathesis')
    cpSync(settings, folder, { recursive: true })
    const seed = Math.floor(Math.random() * 1e9)
    const { stdout } = await execute(
      program,
      [
        '--config-file=schemathesis.toml',
        'run',
        `${soak.daemon().url}/openapi.json`,
        '--phases=coverage,fuzzing',
        `--max-examples=${of(50, 5)}`,
        `--seed=${seed}`,
        `--exclude-path-regex=${excludedPaths}`,
        '--suppress-health-check=all',
        '--continue-on-failure',
        '--workers=2',
        '--request-timeout=15',
        '--no-color',
      ],
      { cwd: folder, maxBuffer: 64 * 1024 * 1024 },
    ).catch((error: { stdout?: string; message: string }) => {
      const found = error.stdout?.match(/=+ FAILURES =+[\s\S]*/)?.[0] ?? error.stdout ?? error.message
      throw new Error(`seed ${seed}:\n${found.slice(0, 20_000)}`)
    })
    const requests = Number(/(\d+) generated/.exec(stdout)?.[1])
    return { requests, operations: Number(/Tested: (\d+)/.exec(stdout)?.[1]), seed }
  },
}

export const contracts: readonly Scenario[] = [contract]
