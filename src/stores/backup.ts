import { createReadStream } from 'node:fs'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import * as z from 'zod'
import { type StoredSource, type StoreOperation, type Registration, type Store, StoreRefusal } from './store.ts'

const format = 'mcp-roster backup'
const perCommit = 500

/** What stands in a backup: one JSON text per line, the same for every kind of store. */
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
      kind: z.enum(['agent', 'manual']),
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
 * Writes all that is stored into one file, readable by its owner alone, while the store goes on; a file that is there
 * is replaced once the new one is whole and on disk.
 */
export async function writeBackup(store: Store, to: string): Promise<BackupCounts> {
  const file = await replaceable(to)
  const unfinished = `${file}.${process.pid}.unfinished`
  const output = await open(unfinished, 'wx', 0o600)
  try {
    const { epoch, registrations, heartbeats: beats } = await store.load()
    const sources = await store.readings()
    const heard = new Map(beats.map(({ name, age_ms }) => [name, new Date(Date.now() - age_ms).toISOString()]))
    const copied = { registrations: registrations.length, sources: sources.length }
    await output.writeFile(linesOf({ epoch, registrations, heard, sources, copied }))
    await output.sync()
    await output.close()
    await rename(unfinished, file)
    return copied
  } catch (error) {
    await output.close().catch(() => {})
    await rm(unfinished, { force: true })
    throw error
  }
}

/** The file itself, behind links; refuses what is no file, such as a device, which a new file would take the place of. */
async function replaceable(path: string): Promise<string> {
  const file = await realpath(path).catch(() => undefined)
  if (file === undefined) return path
  if ((await stat(file)).isFile()) return file
  throw new StoreRefusal(`${path} is no regular file, and nothing else is replaced`)
}

function* linesOf({
  epoch,
  registrations,
  heard,
  sources,
  copied,
}: {
  epoch: string
  registrations: readonly Registration[]
  heard: ReadonlyMap<string, string>
  sources: readonly StoredSource[]
  copied: BackupCounts
}): Generator<string> {
  const line = (value: unknown) => `${JSON.stringify(value)}\n`
  yield line({ format, version: 1, epoch, made_at: new Date().toISOString() } satisfies z.input<typeof Header>)
  for (const { resource_version: _, updated_at: __, ...registration } of registrations) {
    const last_heartbeat = registration.kind === 'agent' ? heard.get(registration.name) : undefined
    yield line({ registration, ...(last_heartbeat !== undefined && { last_heartbeat }) })
  }
  for (const { source, fingerprint, readings } of sources) yield line({ source, fingerprint, readings })
  yield line({ end: copied })
}

/**
 * Puts back what a backup holds. The whole file is checked first; a store in which something is registered is refused
 * unless `force` says so, and then holds afterwards the registrations of the backup and no others. What is kept of sources
 * that the backup does not name stays: they may be running.
 *
 * Everything gets a new, greater version, so that replicas and watchers see it like any other change.
 */
export async function restoreBackup(
  store: Store,
  file: string,
  { force = false }: { force?: boolean } = {},
): Promise<BackupCounts> {
  const whole = await check(file)
  const { registrations } = await store.load()
  if (registrations.length > 0 && !force) {
    throw new StoreRefusal(
      `the store holds ${registrations.length} registrations: restore into an empty one, or replace them with --force`,
    )
  }
  const kept = new Set<string>()
  const batch: Extract<Entry, { registration: unknown }>[] = []
  for await (const entry of entriesIn(file)) {
    if ('source' in entry) await store.saveReadings(entry.source, entry.fingerprint, entry.readings)
    if (!('registration' in entry)) continue
    kept.add(nameOf(entry.registration))
    batch.push(entry)
    if (batch.length >= perCommit) await put(store, batch.splice(0))
  }
  await put(store, batch)
  const surplus = registrations.filter((one) => !kept.has(nameOf(one)))
  for (let done = 0; done < surplus.length; done += perCommit) {
    const some = surplus.slice(done, done + perCommit)
    await store.commit(
      some.map(({ kind, namespace, name }) => ({ type: 'delete', kind, namespace, name, expect: 'any' })),
    )
  }
  return whole
}

async function put(store: Store, entries: readonly Extract<Entry, { registration: unknown }>[]): Promise<void> {
  const operations = entries.map(({ registration }): StoreOperation => ({
    type: 'put',
    expect: 'any',
    ...registration,
  }))
  const refused = (await store.commit(operations)).find((outcome) => outcome.type === 'rejected')
  if (refused) throw new StoreRefusal(`the backup holds what cannot be stored: ${refused.reason}`)
  const beats = entries.flatMap(({ registration: { name, lease }, last_heartbeat }) =>
    last_heartbeat === undefined
      ? []
      : { name, age_ms: Math.max(0, Date.now() - Date.parse(last_heartbeat)), timeout: lease?.timeout ?? 60 },
  )
  store.recordHeartbeats(beats)
}

function nameOf({ kind, namespace, name }: Pick<Registration, 'kind' | 'namespace' | 'name'>): string {
  return kind === 'agent' ? `agent ${name}` : `manual ${namespace}/${name}`
}

/** Reads a backup through: a file that was cut short, or is none, is refused before anything is written. */
async function check(file: string): Promise<BackupCounts> {
  const found = { registrations: 0, sources: 0 }
  let end: BackupCounts | undefined
  for await (const entry of entriesIn(file)) {
    if (end) throw new StoreRefusal(`${file} goes on after its end: it is damaged`)
    if ('end' in entry) end = entry.end
    else if ('source' in entry) found.sources += 1
    else found.registrations += 1
  }
  if (!end) throw new StoreRefusal(`${file} was cut short: it has no end`)
  if (end.registrations !== found.registrations || end.sources !== found.sources) {
    throw new StoreRefusal(
      `${file} is not whole: ${found.registrations} of ${end.registrations} registrations are there`,
    )
  }
  return found
}

async function* entriesIn(file: string): AsyncGenerator<Entry> {
  const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity })
  let number = 0
  for await (const line of lines) {
    number += 1
    const value = parsed(line)
    if (number === 1) {
      const header = Header.safeParse(value)
      if (!header.success) throw new StoreRefusal(`${file} is no backup that this mcp-roster can read`)
      continue
    }
    const entry = Entry.safeParse(value)
    if (!entry.success) throw new StoreRefusal(`${file} is damaged in line ${number}`)
    yield entry.data
  }
  if (number === 0) throw new StoreRefusal(`${file} is empty`)
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
