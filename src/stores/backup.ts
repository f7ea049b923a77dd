import { createReadStream } from 'node:fs'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import * as z from 'zod'
import { readLines } from '../flow/bytes/line-reader.ts'
import { type StoredSource, type StoreOperation, type StoredRegistration, type Store, StoreRefusal } from './store.ts'

const format = 'mcp-roster backup'
/** Registrations in one commit of a restore. */
const maxPerCommit = 500

/** Maximum bytes of a line: all readings of one source. */
const maxLineBytes = 256 * 1024 * 1024

/** The lines of a backup, each a JSON text: a header, entries, and an end. The same for every type of store. */
const Header = z.object({ format: z.literal(format), version: z.literal(1), epoch: z.string(), made_at: z.string() })
const Lease = z.object({
  timeout: z.number(),
  eviction: z.number(),
  instance_id: z.string().exactOptional(),
  holder: z.string().exactOptional(),
})
const Entry = z.union([
  z.object({
    registration: z.object({
      kind: z.enum(['agent', 'manual', 'override']),
      namespace: z.string(),
      name: z.string(),
      definition: z.string(),
      lease: Lease.exactOptional(),
      created_at: z.string(),
    }),
    last_heartbeat: z.string().exactOptional(),
  }),
  z.object({
    source: z.string(),
    fingerprint: z.string(),
    readings: z.array(z.object({ origin: z.string(), reading: z.string() })),
  }),
  z.object({ end: z.object({ registrations: z.number(), sources: z.number() }) }),
])
type Entry = z.output<typeof Entry>

export type BackupCounts = { readonly registrations: number; readonly sources: number }

/**
 * Writes the content of the store to one file, readable by its owner only, while the store stays in use.
 *
 * It is read back before it counts as made. An existing file is replaced only with `force`, once the new one is complete and on disk.
 */
export async function writeBackup(
  store: Pick<Store, 'load' | 'readings'>,
  to: string,
  { force = false }: { force?: boolean } = {},
): Promise<BackupCounts> {
  const file = await targetFile(to, force)
  const temporary = `${file}.${process.pid}.unfinished`
  const output = await open(temporary, 'wx', 0o600)
  try {
    const { lines, counts } = await contentOf(store)
    await output.writeFile(lines())
    await output.sync()
    await output.close()
    await assertReadable(createReadStream(temporary), counts)
    await targetFile(to, force)
    await rename(temporary, file)
    return counts
  } catch (error) {
    await output.close().catch(() => {})
    await rm(temporary, { force: true })
    throw error
  }
}

/** Passes the lines of a backup to `write`, after they have been read as a restore reads them. */
export async function streamBackup(
  store: Pick<Store, 'load' | 'readings'>,
  write: (line: string) => void | Promise<void>,
): Promise<BackupCounts> {
  const { lines, counts } = await contentOf(store)
  await assertReadable(bytesOf(lines()), counts)
  for (const line of lines()) await write(line)
  return counts
}

async function contentOf(store: Pick<Store, 'load' | 'readings'>) {
  const { epoch, registrations, heartbeats } = await store.load()
  const sources = await store.readings()
  const heartbeatTimes = new Map(
    heartbeats.map(({ name, age_ms }) => [name, new Date(Date.now() - age_ms).toISOString()]),
  )
  const counts = { registrations: registrations.length, sources: sources.length }
  return { counts, lines: () => linesOf({ epoch, registrations, heartbeatTimes, sources, counts }) }
}

async function* bytesOf(lines: Iterable<string>): AsyncGenerator<Buffer> {
  for (const line of lines) yield Buffer.from(line)
}

async function assertReadable(chunks: AsyncIterable<Buffer>, counts: BackupCounts): Promise<void> {
  const found = await checkEntries(chunks, 'what was written').catch((error: unknown) => {
    throw new StoreRefusal(`the backup was not made: ${error instanceof Error ? error.message : String(error)}`)
  })
  if (found.registrations !== counts.registrations || found.sources !== counts.sources)
    throw new StoreRefusal('the backup was not made: it reads back with other counts')
}

/** Resolves links to the target. Refuses anything but a file: a device must not be replaced by one. */
async function targetFile(path: string, force: boolean): Promise<string> {
  const file = await realpath(path).catch(() => undefined)
  if (file === undefined) return path
  if (!(await stat(file)).isFile()) throw new StoreRefusal(`${path} is not a regular file, and is not replaced`)
  if (!force) throw new StoreRefusal(`${path} exists: name another file, or replace it with --force`)
  return file
}

function* linesOf({
  epoch,
  registrations,
  heartbeatTimes,
  sources,
  counts,
}: {
  epoch: string
  registrations: readonly StoredRegistration[]
  heartbeatTimes: ReadonlyMap<string, string>
  sources: readonly StoredSource[]
  counts: BackupCounts
}): Generator<string> {
  const line = (value: unknown) => `${JSON.stringify(value)}\n`
  yield line({ format, version: 1, epoch, made_at: new Date().toISOString() } satisfies z.input<typeof Header>)
  for (const { resource_version: _, updated_at: __, ...registration } of registrations) {
    const last_heartbeat = registration.kind === 'agent' ? heartbeatTimes.get(registration.name) : undefined
    yield line({ registration, ...(last_heartbeat !== undefined && { last_heartbeat }) })
  }
  for (const { source, fingerprint, readings } of sources) yield line({ source, fingerprint, readings })
  yield line({ end: counts })
}

/**
 * Restores a backup into the store, after a check of the whole file. A store with registrations is refused; with `force`
 * the backup replaces them all. Stored readings of sources that the backup does not name stay: the sources may be running.
 *
 * Every registration gets a new, greater version, so that replicas and watchers see it like any other change.
 */
export async function restoreBackup(
  store: Store,
  file: string,
  { force = false }: { force?: boolean } = {},
): Promise<BackupCounts> {
  const counts = await checkEntries(createReadStream(file), file)
  const { registrations } = await store.load()
  if (registrations.length > 0 && !force) {
    throw new StoreRefusal(
      `the store holds ${registrations.length} registrations: restore into an empty one, or replace them with --force`,
    )
  }
  const restored = new Set<string>()
  const batch: Extract<Entry, { registration: unknown }>[] = []
  for await (const entry of entriesIn(createReadStream(file), file)) {
    if ('source' in entry) await store.saveReadings(entry.source, entry.fingerprint, entry.readings)
    if (!('registration' in entry)) continue
    restored.add(nameOf(entry.registration))
    batch.push(entry)
    if (batch.length >= maxPerCommit) await put(store, batch.splice(0))
  }
  await put(store, batch)
  const surplus = registrations.filter((one) => !restored.has(nameOf(one)))
  for (let done = 0; done < surplus.length; done += maxPerCommit) {
    const operations = surplus.slice(done, done + maxPerCommit)
    await store.commit(
      operations.map(({ kind, namespace, name }) => ({ type: 'delete', kind, namespace, name, expect: 'any' })),
    )
  }
  return counts
}

async function put(store: Store, entries: readonly Extract<Entry, { registration: unknown }>[]): Promise<void> {
  const operations = entries.map(({ registration }): StoreOperation => ({
    type: 'put',
    expect: 'any',
    ...registration,
  }))
  const rejected = (await store.commit(operations)).find((outcome) => outcome.type === 'rejected')
  if (rejected) throw new StoreRefusal(`the backup has an entry that cannot be stored: ${rejected.reason}`)
  const heartbeats = entries.flatMap(({ registration: { name, lease }, last_heartbeat }) =>
    last_heartbeat === undefined
      ? []
      : { name, age_ms: Math.max(0, Date.now() - Date.parse(last_heartbeat)), timeout: lease?.timeout ?? 60 },
  )
  store.recordHeartbeats(heartbeats)
}

function nameOf({ kind, namespace, name }: Pick<StoredRegistration, 'kind' | 'namespace' | 'name'>): string {
  return kind === 'agent' ? `agent ${name}` : `${kind} ${namespace}/${name}`
}

/** Reads the whole backup: a truncated or foreign file is refused before anything is written. */
async function checkEntries(chunks: AsyncIterable<Buffer>, file: string): Promise<BackupCounts> {
  const counted = { registrations: 0, sources: 0 }
  let end: BackupCounts | undefined
  for await (const entry of entriesIn(chunks, file)) {
    if (end) throw new StoreRefusal(`${file} is damaged: it continues after its end`)
    if ('end' in entry) end = entry.end
    else if ('source' in entry) counted.sources += 1
    else counted.registrations += 1
  }
  if (!end) throw new StoreRefusal(`${file} is truncated: it has no end`)
  if (end.registrations !== counted.registrations || end.sources !== counted.sources) {
    throw new StoreRefusal(
      `${file} is incomplete: it has ${counted.registrations} of ${end.registrations} registrations`,
    )
  }
  return counted
}

/** The entries of a backup. A line ends at a line feed alone: texts may have U+2028 and the like. */
async function* entriesIn(chunks: AsyncIterable<Buffer>, file: string): AsyncGenerator<Entry> {
  const tooLong = () => new StoreRefusal(`${file} is damaged: a line is longer than ${maxLineBytes} bytes`)
  let number = 0
  for await (const line of readLines(withLineFeed(chunks), { maxLineBytes, tooLong })) {
    number += 1
    const value = parseJson(line)
    if (number === 1) {
      const header = Header.safeParse(value)
      if (!header.success) throw new StoreRefusal(`${file} is not a backup of a supported version`)
      continue
    }
    const entry = Entry.safeParse(value)
    if (!entry.success) throw new StoreRefusal(`${file} is damaged in line ${number}`)
    yield entry.data
  }
  if (number === 0) throw new StoreRefusal(`${file} is empty`)
}

/** Ends the last line, which an editor may have left open. */
async function* withLineFeed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks
  yield Buffer.from('\n')
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
