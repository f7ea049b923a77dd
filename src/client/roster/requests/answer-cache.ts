/**
 * Where answers are kept between runs of a program: files, `localStorage`, Redis. It belongs to one token: what it holds is
 * what that token may read.
 */
export type AnswerStore = {
  readonly get: (key: string) => Promise<string | undefined> | string | undefined
  readonly set: (key: string, value: string) => Promise<void> | void
  readonly delete: (key: string) => Promise<void> | void
}

/** An answer that the roster did not confirm, since it is away. */
export type Staleness = {
  readonly path: string
  /** RFC 3339: when the roster last confirmed it. */
  readonly since: string
  /** Why the roster did not. */
  readonly reason: string
}

/** How a client keeps answers. */
export type CacheOptions = {
  /** Time in which an answer is given again without asking the roster, in ms (default 5,000). */
  readonly freshMs?: number | undefined
  /** Maximum age of an answer that is given while the roster is away, in ms (default one day). */
  readonly maxStaleMs?: number | undefined
  /** Maximum number of answers in memory (default 500). */
  readonly maxEntries?: number | undefined
  /** Maximum size of all answers in memory, in characters (default 16 Mi). */
  readonly maxCharacters?: number | undefined
  /** A second level that survives the program. Failures of it are ignored: the roster is asked. */
  readonly store?: AnswerStore | undefined
}

/** An answer as it was received. */
export type KeptAnswer = {
  /** The JSON text. */
  readonly text: string
  readonly etag: string | undefined
  /** Time of receipt or of the last confirmation, in ms since 1970. */
  readonly at: number
}

export type AnswerCache = ReturnType<typeof createAnswerCache>

/** Keeps the last answer of each request in memory, and in a second level where there is one. */
export function createAnswerCache({
  freshMs = 5000,
  maxStaleMs = 86_400_000,
  maxEntries = 500,
  maxCharacters = 16_777_216,
  store,
}: CacheOptions) {
  // In order of use: the first entry is the one that was used longest ago.
  const entries = new Map<string, KeptAnswer>()
  let characters = 0

  function forget(key: string): void {
    characters -= entries.get(key)?.text.length ?? 0
    entries.delete(key)
  }

  function remember(key: string, answer: KeptAnswer): void {
    forget(key)
    if (answer.text.length > maxCharacters) return
    entries.set(key, answer)
    characters += answer.text.length
    for (const oldest of entries.keys()) {
      if (entries.size <= maxEntries && characters <= maxCharacters) return
      forget(oldest)
    }
  }

  /** What the store does, or undefined where it fails: it is only a second level. */
  async function second<T>(work: (store: AnswerStore) => Promise<T> | T): Promise<T | undefined> {
    try {
      return store && (await work(store))
    } catch {
      return undefined
    }
  }

  /** The kept answer, fresh or not, from memory or else from the store. */
  async function read(key: string): Promise<KeptAnswer | undefined> {
    const kept =
      entries.get(key) ?? (await second(async ({ get }) => answerFrom(JSON.parse((await get(key)) ?? 'null'))))
    if (!kept || Date.now() - kept.at > maxStaleMs) return undefined
    remember(key, kept)
    return kept
  }

  async function write(key: string, answer: KeptAnswer): Promise<void> {
    remember(key, answer)
    await second(({ set }) => set(key, JSON.stringify(answer)))
  }

  async function remove(key: string): Promise<void> {
    forget(key)
    await second((level) => level.delete(key))
  }

  /** Forgets what is in memory. */
  function clear(): void {
    entries.clear()
    characters = 0
  }

  const isFresh = ({ at }: KeptAnswer) => Math.abs(Date.now() - at) < freshMs
  return { read, write, remove, clear, isFresh }
}

function answerFrom(value: unknown): KeptAnswer | undefined {
  const { text, etag, at } = (value ?? {}) as Partial<KeptAnswer>
  return typeof text === 'string' && typeof at === 'number' ? { text, etag, at } : undefined
}
