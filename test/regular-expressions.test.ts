import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'

type Pattern = { readonly file: string; readonly source: string; readonly flags: string }

const files = globSync('src/**/*.ts').filter((file) => !file.endsWith('.d.ts'))

/** Strings, comments and regular expressions. A division has blanks around it, which the formatter sees to. */
const literals =
  /^#![^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\/\*[^]*?\*\/|(?<=^|\s)\/\/[^\n]*|(?<=[(,=:[!&|?;{\n]\s*|return )(\/(?![ *])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/)([a-z]*)/g

const written = files.flatMap((file): Pattern[] =>
  Array.from(readFileSync(file, 'utf8').matchAll(literals)).flatMap(([, body, flags = '']) =>
    body === undefined ? [] : [{ file, source: body.slice(1, -1), flags }],
  ),
)

/** The expressions that modules build of parts when they are loaded. */
async function builtPatterns(): Promise<Pattern[]> {
  const built: Pattern[] = []
  const { RegExp } = globalThis
  globalThis.RegExp = new Proxy(RegExp, {
    construct(target, args: [string, string?]) {
      const { source, flags } = new target(...args)
      const file = /\/(src\/[\w./-]+)/.exec(new Error('built').stack?.split('\n')[2] ?? '')?.[1]
      if (file !== undefined) built.push({ file, source, flags })
      return new target(...args)
    },
  })
  for (const file of files.filter((one) => readFileSync(one, 'utf8').includes('new RegExp(')))
    await import(pathToFileURL(resolve(file)).href)
  globalThis.RegExp = RegExp
  return built
}

const maxPieces = 24
const usual = ['a', 'A', '0', ' ', '\n', '\v\n', '-', '/', '"', ':']

/** What may begin a match and what may be repeated in it: the words and the characters that the pattern names. */
function piecesOf(source: string): { starts: string[]; pumps: string[] } {
  const plain = source.replaceAll(
    /\\u([0-9a-f]{4})|\\[wdsbWDSBpP]|\\(.)|\{\d+,?\d*\}|\(\?<?[=!:]|[()|?*+^$[\]]/g,
    (_, code: string | undefined, escaped: string | undefined) =>
      code === undefined ? (escaped ?? '\0') : String.fromCharCode(Number.parseInt(code, 16)),
  )
  const words = [...new Set(plain.split('\0').filter((word) => word !== ''))].slice(0, maxPieces)
  const singles = [...new Set([...usual, ...plain.replaceAll('\0', '').split('')])].slice(0, maxPieces)
  const pairs = singles.flatMap((one) => singles.map((other) => one + other))
  const longer = words.flatMap((word) => [word, `${word}-`, `${word} `, `${word}a`, `"${word}":`])
  const first = words.slice(0, 5)
  const joined = first.flatMap((one) => first.flatMap((other) => [one + other, `${one}a${other}`]))
  return { starts: ['', '\0', ...words.slice(0, 3)], pumps: [...new Set([...singles, ...pairs, ...longer, ...joined])] }
}

function match(text: string, pattern: RegExp): void {
  if (pattern.global) text.replaceAll(pattern, '')
  else pattern.test(text)
}

/** A text of a few thousand characters on which a pattern is slow, and far slower on one of 32 times the length. */
function slowText({ source, flags }: Pattern): string | undefined {
  const pattern = new RegExp(source, flags)
  const end = flags.includes('m') ? '\0' : '\n\0'
  const { starts, pumps } = piecesOf(source)
  for (const pump of pumps) {
    for (const begin of starts) {
      const textOf = (length: number) => `${begin}${pump.repeat(length / pump.length)}${end}`
      const text = textOf(2000)
      const started = performance.now()
      match(text, pattern)
      if (performance.now() - started > 0.4 && workOn(textOf(64_000), pattern) > maxMs)
        return JSON.stringify(textOf(20))
    }
  }
  return undefined
}

/** What is linear takes a few milliseconds for 64,000 characters, and what is quadratic a second. */
const maxMs = 80

/** Milliseconds of processor time that all matches in a text take. */
function workOn(text: string, pattern: RegExp): number {
  const start = process.cpuUsage()
  match(text, pattern)
  return process.cpuUsage(start).user / 1000
}

/** Files whose expressions see texts of a few hundred characters at most; they check the length themselves. */
const shortTexts = new Set(['src/agents/resolution/matching/version-match.ts'])

describe('regular expressions', () => {
  it('takes no more than linear time on any text', async () => {
    const built = await builtPatterns()
    assert.ok(written.length > 250 && built.length >= 6, `${written.length} written, ${built.length} built`)

    const slow = [...written, ...built].flatMap((pattern) => {
      if (shortTexts.has(pattern.file)) return []
      const text = slowText(pattern)
      return text === undefined ? [] : [`${pattern.file} /${pattern.source}/${pattern.flags} on ${text}`]
    })
    assert.deepEqual(slow, [])
  })
})
