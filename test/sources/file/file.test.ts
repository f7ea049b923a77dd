import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFile, chmod, chown, cp, mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { type Server, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openSource, SourceConfig } from '../../../src/sources/catalogue.ts'
import { parseThreads } from '../../../src/sources/documents/parse-queue.ts'
import { keepsTheSourceContract } from '../../contracts/source.ts'
import { type Followed, follow } from '../../source-follower.ts'
import { toolsWith } from '../source-tools.ts'

keepsTheSourceContract({
  name: 'file',
  watches: true,
  open: async (names) => {
    const directory = await mkdtemp(join(tmpdir(), 'roster-'))
    const path = join(directory, 'team.json')
    let listed = names
    const publish = (next: readonly string[]) => writeFile(path, documentOf(...(listed = next)))
    await publish(names)
    return {
      source: openSource(SourceConfig.parse({ type: 'file', paths: [directory] }), toolsWith()),
      publish,
      break: () => writeFile(path, documentOf(...listed).slice(0, -2)),
      heal: () => publish(listed),
      close: () => rm(directory, { recursive: true }),
    }
  },
})

describe('the source file', () => {
  it('sees a file appear, change and disappear', () =>
    inFolder(async ({ at, open }) => {
      const seen = open()
      await seen.until('the first sighting has come', () => seen.sightings.length > 0)
      assert.deepEqual(seen.names(), [])

      await writeFile(at('a.yaml'), 'servers: {weather: {command: x}}\n')
      await seen.untilNames('weather')
      await writeFile(at('a.yaml'), 'servers: {weather: {command: x}, tides: {command: x}}\n')
      await seen.untilNames('tides', 'weather')
      await rm(at('a.yaml'))
      await seen.untilNames()
      assert.deepEqual([...seen.origins.keys()], [])
    }))

  it('reads documents, and skips files that editors and tools leave behind', () =>
    inFolder(async ({ at, open }) => {
      const litter = [
        'x~',
        'a.yaml~',
        '.a.yaml.swp',
        '.a.yaml.swx',
        '.#a.yaml',
        '#a.yaml#',
        'a.yaml.bak',
        '4913',
        'b.yaml.tmp',
        '.hidden.yaml',
        '..data.yaml',
        'notes.txt',
      ]
      for (const name of litter) await writeFile(at(name), documentOf('litter'))
      for (const name of ['a.yaml', 'b.yml', 'C.JSON']) await writeFile(at(name), documentOf(name))
      await mkdir(at('folder.yaml'))
      await mkdir(at('below'))
      await writeFile(at('below/d.yaml'), documentOf('below'))

      await open().untilNames('C.JSON', 'a.yaml', 'b.yml')
      await open({ recursive: true }).untilNames('C.JSON', 'a.yaml', 'b.yml', 'below')
    }))

  it('reads files, directories and globs in the order of the config, each file once', () =>
    inFolder(async ({ at, open }) => {
      await mkdir(at('deep/er'), { recursive: true })
      for (const name of ['z.conf', 'a.yaml', 'deep/er/b.yaml', 'deep/c.txt'])
        await writeFile(at(name), documentOf(name))

      const seen = open({ paths: [at('z.conf'), at('deep/**/*.{yaml,txt}'), at('.'), at('*.yaml')] })
      await seen.untilNames('a.yaml', 'deep/c.txt', 'deep/er/b.yaml', 'z.conf')

      const ranks = Object.fromEntries([...seen.origins.values()].map(({ reading }) => [reading.origin, reading.rank]))
      assert.deepEqual(ranks, {
        [at('z.conf')]: 0,
        [at('deep/c.txt')]: 1,
        [at('deep/er/b.yaml')]: 1,
        [at('a.yaml')]: 2,
      })
    }))

  it('follows a link to a directory, but never back into an ancestor', () =>
    inFolder(async ({ at, open }) => {
      await mkdir(at('one/deep'), { recursive: true })
      await mkdir(at('two'))
      await writeFile(at('one/deep/a.yaml'), documentOf('a'))
      await writeFile(at('two/b.yaml'), documentOf('b'))
      await symlink('../..', at('one/deep/up'))
      await symlink('../two', at('one/across'))
      await symlink('../one', at('two/across'))

      for (const options of [{ recursive: true }, { paths: [at('**/*.yaml')] }]) {
        const seen = open(options)
        await seen.until('the first sighting has come', () => seen.sightings.length > 0)

        assert.deepEqual([...seen.origins.keys()].toSorted(), [
          at('one/across/b.yaml'),
          at('one/deep/a.yaml'),
          at('two/across/deep/a.yaml'),
          at('two/b.yaml'),
        ])
      }
    }))

  it('waits for a missing directory, each of three times that it is made', () =>
    inFolder(async ({ at, open }) => {
      const seen = open({ paths: [at('not/yet')] })
      await seen.until('the first sighting has come', () => seen.sightings.length > 0)
      assert.partialDeepStrictEqual(seen.sightings[0], {
        type: 'picture',
        readings: [],
        note: `waiting for ${at('not/yet')}`,
      })
      for (let life = 0; life < 3; life++) {
        await mkdir(at('not/yet'), { recursive: true })
        await writeFile(at('not/yet/a.yaml'), documentOf(`life-${life}`))
        await seen.untilNames(`life-${life}`)
        await rm(at('not'), { recursive: true })
      }
      await seen.untilNames()
    }))

  it('keeps the last good servers while a file is broken, blank or too large, and reports the error', () =>
    inFolder(
      async ({ at, open }) => {
        await writeFile(at('a.yaml'), documentOf('weather'))
        await writeFile(at('b.yaml'), documentOf('tides'))
        const seen = open()
        await seen.untilNames('tides', 'weather')

        const harm: [harm: () => Promise<unknown>, message: RegExp][] = [
          [
            () => writeFile(at('a.yaml'), 'servers:\n  weather: {command: x\n'),
            /not closed|missing character|unexpected token|wrong indentation/,
          ],
          [() => writeFile(at('a.yaml'), ''), /is blank/],
          [() => writeFile(at('a.yaml'), '\0\0\0'), /NUL/],
          [
            () => writeFile(at('a.yaml'), `servers: {a: {command: "${'x'.repeat(2000)}"}}`),
            /too large: 2\d{3} bytes \(limit 1000 bytes\)/,
          ],
        ]
        for (const [doHarm, message] of harm) {
          await doHarm()
          await seen.until(`the error matches ${message}`, () =>
            message.test(seen.origins.get(at('a.yaml'))?.error?.message ?? ''),
          )
          assert.deepEqual(seen.names(), ['tides', 'weather'])
          assert.equal(seen.origins.get(at('b.yaml'))?.error, undefined)
        }
        await writeFile(at('a.yaml'), documentOf('weather'))
        await seen.until('the error is gone', () => seen.origins.get(at('a.yaml'))?.error === undefined)
      },
      { max_bytes: 1000 },
    ))

  it('never shows the state of a file that is being written', () =>
    inFolder(async ({ at, open }) => {
      await writeFile(at('a.json'), documentOf('weather'))
      const seen = open()
      await seen.untilNames('weather')

      const next = documentOf(...Array.from({ length: 40 }, (_, index) => `server-${index}`))
      await writeFile(at('a.json'), '')
      for (let from = 0; from < next.length; from += 100) {
        await appendFile(at('a.json'), next.slice(from, from + 100))
        await pause(10)
      }
      await seen.until('all are there', () => seen.names().length === 40)

      assert.ok(
        seen.sightings.every(
          (sighting) => sighting.type !== 'picture' || sighting.readings.every((reading) => 'entries' in reading),
        ),
      )
    }))

  it('never shows less while a Kubernetes mount is swapped', () =>
    inFolder(async ({ at, open }) => {
      const names = ['a', 'b', 'c']
      const swap = swapsOf(at('.'), names)
      await swap(0)
      const seen = open()
      await seen.untilNames('a-0', 'b-0', 'c-0')
      for (let version = 1; version <= 15; version++) {
        await swap(version)
        await pause((version * 37) % 150)
      }
      await seen.untilNames('a-15', 'b-15', 'c-15')

      assert.deepEqual(
        [...seen.origins.keys()].toSorted(),
        names.map((name) => at(`${name}.yaml`)),
      )
      for (const sighting of seen.sightings) {
        if (sighting.type !== 'picture') continue
        assert.equal(sighting.readings.length, names.length)
        assert.ok(sighting.readings.every((reading) => 'entries' in reading && reading.entries.length === 1))
      }
    }))

  it('shows the update of a Kubernetes mount whose old files stay', () =>
    inFolder(async ({ at, open }) => {
      const swap = swapsOf(at('.'), ['a', 'b'], { keepOld: true })
      await swap(0)
      const seen = open()
      await seen.untilNames('a-0', 'b-0')
      for (let version = 1; version <= 3; version++) {
        await swap(version)
        await seen.untilNames(`a-${version}`, `b-${version}`)
      }
    }))

  it('shows the last of 20 quick rewrites', () =>
    inFolder(async ({ at, open }) => {
      await writeFile(at('a.yaml'), documentOf('weather'))
      const seen = open()
      await seen.untilNames('weather')
      for (let version = 1; version <= 20; version++) await writeFile(at('a.yaml'), documentOf(`v${version}`))
      await seen.untilNames('v20')
    }))

  it('sees each of three folders that take the place of a watched one', () =>
    inFolder(async ({ at, open }) => {
      await mkdir(at('live'))
      await writeFile(at('live/a.yaml'), documentOf('life-0'))
      const seen = open({ paths: [at('live')] })
      await seen.untilNames('life-0')
      for (const life of [1, 2, 3]) {
        await mkdir(at('next'))
        await writeFile(at('next/a.yaml'), documentOf(`life-${life}`))
        await rename(at('live'), at(`old-${life}`))
        await rename(at('next'), at('live'))
        await seen.untilNames(`life-${life}`)
      }
    }))

  it('sees files in a folder that appears beside one that is watched already', () =>
    inFolder(async ({ at, open }) => {
      await mkdir(at('first'))
      await writeFile(at('first/a.yaml'), documentOf('a'))
      const seen = open({ paths: [at('first'), at('late/deep'), at('globbed/*/*.conf')] })
      await seen.untilNames('a')
      await writeFile(at('first/a.yaml'), documentOf('a', 'watched'))
      await seen.untilNames('a', 'watched')

      await mkdir(at('late/deep'), { recursive: true })
      await writeFile(at('late/deep/b.yaml'), documentOf('b'))
      await seen.untilNames('a', 'b', 'watched')
      await mkdir(at('globbed/any'), { recursive: true })
      await writeFile(at('globbed/any/c.conf'), documentOf('c'))
      await seen.untilNames('a', 'b', 'c', 'watched')
    }))

  it('sees a change far below a recursive folder, in a subfolder made after the start', () =>
    inFolder(
      async ({ at, open }) => {
        await mkdir(at('one'))
        const seen = open()
        await seen.until('the folder has been read', () => seen.sightings.length > 0)
        await mkdir(at('one/two/three'), { recursive: true })
        await writeFile(at('one/two/three/a.yaml'), documentOf('a'))
        await seen.untilNames('a')
        await writeFile(at('one/two/three/a.yaml'), documentOf('b'))
        await seen.untilNames('b')
      },
      { recursive: true },
    ))

  it('only rescans while it has more files than max_watched_files, with a note', () =>
    inFolder(
      async ({ at, open }) => {
        for (const name of ['a', 'b', 'c']) await writeFile(at(`${name}.json`), documentOf(name))
        const seen = open()
        await seen.untilNames('a', 'b', 'c')
        assert.equal(seen.sightings[0]?.note, 'rescanning only: 3 files in 1 folder exceed max_watched_files (12)')

        await writeFile(at('a.json'), documentOf('changed'))
        await seen.untilNames('b', 'c', 'changed')
        await rm(at('c.json'))
        await seen.until('the files are watched again', () => seen.sightings.at(-1)?.note === undefined)
        assert.deepEqual(seen.names(), ['b', 'changed'])
      },
      { max_watched_files: 12, rescan: 0.2 },
    ))

  const saves: Record<string, (path: string, text: string) => Promise<unknown>> = {
    'written over': (path, text) => writeFile(path, text),
    'renamed over, as vim and sed do': async (path, text) => {
      await writeFile(`${path}.tmp`, text)
      await rename(`${path}.tmp`, path)
    },
    'moved away and written again, as with a backup': async (path, text) => {
      await rename(path, `${path}~`)
      await pause(20)
      await writeFile(path, text)
    },
    'copied over': async (path, text) => {
      await writeFile(`${path}.new`, text)
      await cp(`${path}.new`, path)
    },
  }
  for (const [how, save] of Object.entries(saves)) {
    it(`sees every save of a file that is ${how}, and no removal`, () =>
      inFolder(async ({ at, open }) => {
        await writeFile(at('a.yaml'), documentOf('weather', 'v0'))
        const seen = open()
        await seen.untilNames('v0', 'weather')
        for (let version = 1; version <= 5; version++) {
          await save(at('a.yaml'), documentOf('weather', `v${version}`))
          const start = performance.now()
          await seen.untilNames(`v${version}`, 'weather')
          assert.ok(performance.now() - start < 1000)
        }
        assert.ok(seen.sightings.every((sighting) => sighting.type !== 'picture' || sighting.readings.length === 1))
      }))
  }

  it('keeps the reading object while the bytes are the same', () =>
    inFolder(async ({ at, open }) => {
      const text = documentOf('weather')
      await writeFile(at('a.yaml'), text)
      const seen = open()
      await seen.untilNames('weather')
      const { reading } = seen.origins.get(at('a.yaml'))!
      for (let round = 0; round < 200; round++) await writeFile(at('a.yaml'), text, { flag: 'r+' })
      await utimes(at('a.yaml'), new Date(), new Date())
      await writeFile(at('b.yaml'), documentOf('tides'))
      await seen.untilNames('tides', 'weather')
      await seen.refresh()

      assert.equal(seen.origins.get(at('a.yaml'))?.reading, reading)
      assert.equal(seen.sightings.filter(({ type }) => type === 'picture').length, 2)
    }))

  it('finds changed bytes of the same size and time at the next rescan', () =>
    inFolder(
      async ({ at, open }) => {
        const time = new Date(2026, 0)
        await writeFile(at('a.yaml'), documentOf('weather'))
        await utimes(at('a.yaml'), time, time)
        const seen = open()
        await seen.untilNames('weather')
        await writeFile(at('a.yaml'), documentOf('leather'))
        await utimes(at('a.yaml'), time, time)
        await seen.untilNames('leather')
        await seen.until('a scan has found nothing new', () => seen.sightings.at(-1)?.type === 'alive')
      },
      { rescan: 0.2 },
    ))

  it('soon retries a file after a transient error', () =>
    inFolder(async ({ at, open }) => {
      await writeFile(at('a.yaml'), 'servers: {weather: {command: x}}\n')
      await symlink('/proc/self/mem', at('b.yaml')) // reading it is an I/O error
      const seen = open({ rescan: 600 })
      await seen.until('the error is shown', () => seen.origins.get(at('b.yaml'))?.error?.class === 'transient')
      const { length } = seen.sightings

      await seen.until('it has scanned again by itself', () => seen.sightings.length > length + 2)
    }))

  it('reports paths that are not files, and reads the others', () =>
    inFolder(async ({ at, open, stack }) => {
      execFileSync('mkfifo', [at('fifo.yaml')])
      stack.use(await listening(at('socket.yaml')))
      await symlink(at('nowhere'), at('dangling.yaml'))
      await symlink(at('loop.yaml'), at('loop.yaml'))
      await symlink(join(at('good.yaml'), 'x'), at('through-a-file.yaml'))
      await symlink('/dev/zero', at('endless.yaml'))
      await mkdir(at('folder.yaml'))
      await writeFile(at('good.yaml'), documentOf('weather'))
      const seen = open()
      await seen.untilNames('weather')

      const reasons = Object.fromEntries(
        [...seen.origins].map(([origin, { error }]) => [origin.slice(at('.').length + 1), error?.message]),
      )
      assert.deepEqual(reasons, {
        'good.yaml': undefined,
        'dangling.yaml': 'symbolic link to nothing',
        'endless.yaml': 'not a file but a device',
        'fifo.yaml': 'not a file but a FIFO',
        'loop.yaml': 'symbolic link leads back to itself',
        'socket.yaml': 'not a file but a socket',
        'through-a-file.yaml': 'symbolic link to nothing',
      })
      await writeFile(at('good.yaml'), documentOf('tides'))
      await seen.untilNames('tides')
    }))

  it('sees the target of a link appear and disappear again and again', () =>
    inFolder(async ({ at, open }) => {
      await mkdir(at('watched'))
      await mkdir(at('elsewhere'))
      await symlink('../elsewhere/a.yaml', at('watched/a.yaml'))
      const seen = open({ paths: [at('watched')] })
      await seen.until('the first sighting has come', () => seen.sightings.length > 0)

      for (const name of ['one', 'two', 'three', 'four']) {
        await writeFile(at('elsewhere/a.yaml'), documentOf(name))
        await seen.untilNames(name)
        await rm(at('elsewhere/a.yaml'))
        await seen.until('the target is missing', () => seen.origins.get(at('watched/a.yaml'))?.error !== undefined)
      }
    }))

  it('reads files up to max_total_bytes', () =>
    inFolder(async ({ at, open }) => {
      for (const name of ['a', 'b', 'c']) await writeFile(at(`${name}.json`), documentOf(name))
      const size = documentOf('a').length
      const seen = open({ max_total_bytes: 2 * size })
      await seen.untilNames('a', 'b')
      assert.match(seen.origins.get(at('c.json'))?.error?.message ?? '', /max_total_bytes/)
    }))

  it('expands variables only with expand: true', () =>
    inFolder(async ({ at, open }) => {
      await writeFile(
        at('a.yaml'),
        'servers: {a: {command: "${RUNNER:-npx}", env: {KEY: "${env:KEY}", OTHER: "${NONE}"}}}',
      )
      const urls = (seen: Followed) =>
        [...seen.origins.values()].flatMap(({ entries }) =>
          entries.map((entry) => ('value' in entry ? entry.value : entry)),
        )
      const literal = open()
      await literal.untilNames('a')
      assert.deepEqual(urls(literal), [
        { name: 'a', command: '${RUNNER:-npx}', env: { KEY: '${env:KEY}', OTHER: '${NONE}' } },
      ])
      const expanded = open({ expand: true })
      await expanded.untilNames('a')
      assert.deepEqual(urls(expanded), [{ name: 'a', command: 'npx', env: { KEY: 'k', OTHER: '${NONE}' } }])
    }))

  it('keeps the servers of a directory that becomes unreadable', () =>
    inFolder(async ({ at, open }) => {
      await mkdir(at('shut'))
      await writeFile(at('shut/a.yaml'), documentOf('weather'))
      const otherUser = 65_534
      const isRoot = process.getuid?.() === 0
      if (isRoot) for (const path of ['.', 'shut', 'shut/a.yaml']) await chown(at(path), otherUser, otherUser)
      // Root may list everything, so the process is another user for a while.
      if (isRoot) process.seteuid?.(otherUser)
      try {
        const seen = open({ paths: [at('shut')] })
        await seen.untilNames('weather')
        await chmod(at('shut'), 0)
        seen.raise()
        await seen.until('the error is shown', () =>
          /permission denied/.test(seen.origins.get(at('shut/a.yaml'))?.error?.message ?? ''),
        )
        assert.deepEqual(seen.names(), ['weather'])
        await chmod(at('shut'), 0o755)
        await seen.end()
      } finally {
        if (isRoot) process.seteuid?.(0)
      }
    }))
})

type Folder = {
  readonly at: (name: string) => string
  readonly open: (options?: Record<string, unknown>) => Followed
  readonly stack: AsyncDisposableStack
}

async function inFolder(test: (folder: Folder) => Promise<void>, common: Record<string, unknown> = {}): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'roster-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true }))
  stack.defer(() => parseThreads.end())
  const tools = toolsWith({ env: { HOME: folder, KEY: 'k' } })
  await test({
    stack,
    at: (name) => (name === '.' ? folder : join(folder, name)),
    open: (options) =>
      stack.use(
        follow(openSource(SourceConfig.parse({ type: 'file', paths: [folder], ...common, ...options }), tools)),
      ),
  })
}

function documentOf(...names: readonly string[]): string {
  return JSON.stringify({ servers: names.map((name) => ({ name, url: `http://${name}.example/mcp` })) })
}

/** Writes a mount like the kubelet: a new dated directory, and one rename that swaps `..data` to it. */
function swapsOf(mount: string, names: readonly string[], { keepOld = false }: { keepOld?: boolean } = {}) {
  let before: string | undefined
  return async (version: number) => {
    const dated = join(mount, `..2026_01_01_${version}`)
    await mkdir(dated)
    for (const name of names) await writeFile(join(dated, `${name}.yaml`), documentOf(`${name}-${version}`))
    await symlink(dated, join(mount, '..data_tmp'))
    await rename(join(mount, '..data_tmp'), join(mount, '..data'))
    if (before === undefined)
      for (const name of names) await symlink(`..data/${name}.yaml`, join(mount, `${name}.yaml`))
    else if (!keepOld) await rm(before, { recursive: true })
    before = dated
  }
}

async function listening(path: string): Promise<Server> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const server = createServer().listen(path, resolve)
  await promise
  return server
}
