import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, it } from 'node:test'

const sources = globSync('src/**/*.{ts,tsx}').toSorted()

/** File names that were metaphors or participles; the field has a term for each (`.github/CONTRIBUTING.md`). */
const bannedStems = new Set(
  (
    'agenda alike answers ask asked asking audience backlog beats catalog census coming complaint counts deleted door ' +
    'dormant edge encoded ending every examine facts far fault forms found fronts front gate graves habits heard hop ' +
    'hot iso-now judge kept keeping known lane later linger looks look mapped meant memo news newcomers occupant ' +
    'once order original outbox own page parts passage passes patience picture place plan pools position posts pulse ' +
    'rates reasons repeated rivals roll runner scout second-look settle shapes shown side-by-side silence slabs slices ' +
    'slots standing strangers subject suspicion taken tally telling ticks turns vanished wake wanted words written young'
  ).split(' '),
)

/** Phrases that have to be read twice. Each is split, so that this file does not match. */
const bannedPhrases = [
  ['who', 'ever'],
  ['an', 'ew'],
  ['all the', ' same'],
  ['lets', ' go of'],
  ['let', ' go of'],
  ['turned', ' away'],
  ['so', ' many'],
  ['in', ' vain'],
  ['no', 'body'],
  ['every', 'body'],
  ['some', 'body'],
  ['by', ' now'],
  ['once', ' more'],
  ['of', ' old(?!er)'],
  ['there', 'of'],
].map((parts) => parts.join(''))

describe('the vocabulary', () => {
  it('names files by nouns of the field', () => {
    const found = sources.filter((file) => bannedStems.has(basename(file).replace(/\.tsx?$/, '')))

    assert.ok(sources.length > 300)
    assert.deepEqual(found, [])
  })

  it('gives every exported name one meaning over all of src', () => {
    const homes = new Map<string, Set<string>>()
    for (const file of sources) {
      // The library's names are public; they mirror the wire, as the schemas of the API do.
      if (file.startsWith('src/client/')) continue
      for (const name of exportsOf(readFileSync(file, 'utf8'))) {
        homes.set(name, (homes.get(name) ?? new Set()).add(file))
      }
    }
    const ambiguous = [...homes]
      .filter(([, files]) => files.size > 1)
      .map(([name, files]) => `${name}: ${[...files].join(', ')}`)

    assert.ok(homes.size > 600)
    assert.deepEqual(ambiguous, [])
  })

  it('uses no phrase that has to be read twice', () => {
    const pattern = `\\b(${bannedPhrases.join('|')})\\b`
    const found = matchesOf(pattern, ['src', 'test', 'config', 'deploy', 'README.md', '.github'])

    assert.deepEqual(found, [])
  })
})

/** Names that a file declares and exports. */
function exportsOf(text: string): string[] {
  const declarations = text.matchAll(
    /^export (?:declare )?(?:async )?(?:function\*?|const|let|type|interface|class) (\w+)/gm,
  )
  return [...new Set([...declarations].flatMap(([, name]) => name ?? []))]
}

/** Lines of the working tree that match, without this file and the lockfiles. Works without a git repository too. */
function matchesOf(pattern: string, places: readonly string[]): string[] {
  const files = globSync(places.map((place) => (place.includes('.md') ? place : `${place}/**/*`)))
    .filter((file) => /\.(tsx?|mjs|md|ya?ml|json|tpl|txt|service|patch|py|c)$|Dockerfile/.test(file))
    .filter((file) => !file.includes('node_modules') && file !== 'test/language.test.ts')
  const expression = new RegExp(pattern, 'i')
  return files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, at) => (expression.test(line) ? [`${file}:${at + 1}: ${line.trim().slice(0, 120)}`] : [])),
  )
}
