import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../e2e/daemon-process.ts'
import { factsOf, openSoak, type Scenario } from '../scenario.ts'
import { type Event, watchServers } from '../watcher.ts'

type Listed = {
  servers: { name: string; version: string; stale: boolean }[]
  resource_version: string
  syncing?: string[]
}

const text = (version: number) =>
  `servers:\n  steady: { command: x, version: "${version}" }\n  other: { command: x, version: "${version}" }\n`

/** Publishes `files` as the kubelet does: new timestamped folder, rename of a link over `..data`, removal of the old folder. */
function swap(mount: string, serial: number, files: Readonly<Record<string, string>>): void {
  const before = readdirSync(mount).filter((name) => /^\.\.\d/.test(name))
  mkdirSync(`${mount}/..${serial}`)
  for (const [name, content] of Object.entries(files)) writeFileSync(`${mount}/..${serial}/${name}`, content)
  symlinkSync(`..${serial}`, `${mount}/..data_tmp`)
  renameSync(`${mount}/..data_tmp`, `${mount}/..data`)
  for (const name of Object.keys(files)) {
    if (!readdirSync(mount).includes(name)) symlinkSync(`..data/${name}`, `${mount}/${name}`)
  }
  for (const old of before) rmSync(`${mount}/${old}`, { recursive: true })
}

const sourceOf = (...paths: readonly string[]) => `sources:\n  - { type: file, paths: [${paths.join(', ')}] }\n`

const swaps: Scenario = {
  name: 'swaps',
  what: 'kubelet swaps at random gaps: right within 2 s of the last, never empty, nothing goes and comes back',
  limitSeconds: ({ of }) => of(300, 60),
  async run({ of }) {
    await using soak = await openSoak()
    const mount = soak.folder.at('mount')
    mkdirSync(mount)
    swap(mount, 0, { 'team.yaml': text(0) })
    soak.writeConfig(sourceOf(mount))
    const { json, get, url, lines } = soak.daemon()
    await get('/-/reload', { method: 'POST' })
    await until(async () => (await json<Listed>('/servers')).servers.length === 2)

    const events: Event[] = []
    const watcher = watchServers(url, { onEvent: (event) => events.push(event) })
    await until(() => events.some(({ type }) => type === 'BOOKMARK'))
    let polls = 0
    const done = new AbortController()
    let highest = 0
    const reader = (async () => {
      while (!done.signal.aborted) {
        const { servers } = await json<Listed>('/servers')
        assert.equal(servers.length, 2, 'a reader saw a registry that lacks servers')
        const versions = servers.map(({ version }) => Number(version))
        assert.ok(
          versions.every((version) => version >= highest),
          'a reader saw an older version again',
        )
        highest = Math.max(...versions)
        polls += 1
        await pause(5)
      }
    })()
    const times = of(200, 40)
    for (let n = 1; n <= times; n += 1) {
      await Promise.race([pause(Math.random() * of(2000, 300)), reader])
      swap(mount, n, { 'team.yaml': text(n) })
    }
    const last = performance.now()
    await until(
      async () => (await json<Listed>('/servers')).servers.every(({ version }) => version === String(times)),
      2,
    )
    const settledMs = Math.round(performance.now() - last)
    done.abort()
    await reader
    await watcher.close()
    assert.deepEqual(
      events.filter(({ type }) => type === 'DELETED' || type === 'RESYNC'),
      [],
    )
    assert.equal(events.filter(({ type }) => type === 'ADDED').length, 2)
    const warnings = lines.filter(({ level }) => level === 'warn' || level === 'error')
    assert.deepEqual(warnings, [], 'the log warned without a reason')
    return { swaps: times, polls, events: events.length, settled_ms: settledMs }
  },
}

const same: Scenario = {
  name: 'same',
  what: 'the same content written again and again: no revision, no event',
  limitSeconds: ({ of }) => of(180, 60),
  async run({ of }) {
    await using soak = await openSoak()
    const file = soak.folder.at('team.yaml')
    writeFileSync(file, text(1))
    soak.writeConfig(sourceOf(file))
    const { json, get, url } = soak.daemon()
    await get('/-/reload', { method: 'POST' })
    const { resource_version } = await until(async () => {
      const listed = await json<Listed>('/servers')
      return listed.servers.length === 2 && listed
    })
    const events: Event[] = []
    const watcher = watchServers(url, { onEvent: (event) => events.push(event) })
    await until(() => events.length === 3)
    const times = of(1000, 200)
    for (let n = 0; n < times; n += 1) {
      // In place, by rename, and in two parts.
      if (n % 3 === 0) writeFileSync(file, text(1))
      else if (n % 3 === 1) {
        writeFileSync(`${file}.tmp`, text(1))
        renameSync(`${file}.tmp`, file)
      } else {
        writeFileSync(file, text(1).slice(0, 40))
        writeFileSync(file, text(1))
      }
      await pause(Math.random() * of(50, 20))
    }
    await get('/sources/file/refresh', { method: 'POST' })
    assert.equal((await json<Listed>('/servers')).resource_version, resource_version)
    await watcher.close()
    const changes = events.slice(3).filter(({ type }) => type !== 'BOOKMARK')
    assert.deepEqual(changes, [])
    return { writes: times, revisions: 0, events: changes.length }
  },
}

const burst: Scenario = {
  name: 'burst',
  what: 'thousands of files come and go in one burst: right within 10 s, memory within 100 MB again once it is quiet',
  limitSeconds: () => 300,
  async run({ of }) {
    await using soak = await openSoak()
    const place = soak.folder.at('servers')
    mkdirSync(place)
    writeFileSync(`${place}/good.yaml`, text(1))
    soak.writeConfig(sourceOf(place))
    const { json, get } = soak.daemon()
    await get('/-/reload', { method: 'POST' })
    const count = async () => (await json<{ total_servers: number }>('/stats')).total_servers
    await until(async () => (await count()) === 2)
    const before = factsOf(soak.daemon())
    const files = of(20_000, 4000)
    for (let n = 0; n < files; n += 1) writeFileSync(`${place}/${n}.yaml`, `servers:\n  s${n}: { command: x }\n`)
    const came = performance.now()
    let slowest = 0
    const timed = async () => {
      const began = performance.now()
      const found = await count()
      slowest = Math.max(slowest, performance.now() - began)
      return found
    }
    await until(async () => (await timed()) === files + 2, 30)
    const cameMs = performance.now() - came
    const full = factsOf(soak.daemon())
    for (let n = 0; n < files; n += 1) rmSync(`${place}/${n}.yaml`)
    const went = performance.now()
    await until(async () => (await timed()) === 2, 30)
    const wentMs = performance.now() - went
    // V8 returns unreferenced memory after 100 s of idleness.
    const grown = () => factsOf(soak.daemon()).rss - before.rss
    await until(() => grown() < 100, 150).catch(() => undefined)
    const after = factsOf(soak.daemon())
    const figures = {
      files,
      came_ms: Math.round(cameMs),
      went_ms: Math.round(wentMs),
      slowest_answer_ms: Math.round(slowest),
      rss_before_mb: before.rss,
      rss_full_mb: full.rss,
      rss_after_mb: after.rss,
      given_back_s: Math.round((performance.now() - went - wentMs) / 1000),
    }
    assert.ok(cameMs < 10_000 && wentMs < 10_000, `it took longer than 10 s: ${JSON.stringify(figures)}`)
    assert.ok(after.rss - before.rss < 100, `it grew: ${JSON.stringify(figures)}`)
    return figures
  },
}

const reloads: Scenario = {
  name: 'reloads',
  what: 'reloads of the config: open files and watches as before, nothing blips',
  limitSeconds: ({ of }) => of(600, 120),
  async run({ of }) {
    await using soak = await openSoak()
    for (const name of ['one', 'two']) {
      mkdirSync(soak.folder.at(name))
      writeFileSync(soak.folder.at(name, 'a.yaml'), `servers:\n  ${name}: { command: x }\n`)
    }
    const config = (rescan: number) =>
      `sources:\n${['one', 'two'].map((name) => `  - { type: file, name: ${name}, paths: [${soak.folder.at(name)}]${name === 'two' ? `, rescan: ${rescan}` : ''} }\n`).join('')}`
    const { json, get } = soak.daemon()
    const reload = async (n: number) => {
      soak.writeConfig(config(30 + (n % 2)))
      const { status } = await get('/-/reload', { method: 'POST' })
      assert.equal(status, 200)
    }
    for (let n = 0; n < 50; n += 1) await reload(n)
    await until(async () => (await json<Listed>('/servers')).servers.length === 2)
    await pause(1000)
    const before = factsOf(soak.daemon())
    const times = of(2000, 200)
    for (let n = 0; n < times; n += 1) {
      await reload(n)
      if (n % 20 === 0) assert.equal((await json<Listed>('/servers')).servers.length, 2, 'a reload made servers blip')
    }
    const after = await until(() => {
      const facts = factsOf(soak.daemon())
      return Math.abs(facts.fds - before.fds) <= 2 && Math.abs(facts.watches - before.watches) <= 2 && facts
    }, 10)
    return {
      reloads: times,
      fds: `${before.fds} → ${after.fds}`,
      watches: `${before.watches} → ${after.watches}`,
      rss_mb: `${before.rss} → ${after.rss}`,
    }
  },
}

export const files: readonly Scenario[] = [swaps, same, burst, reloads]
