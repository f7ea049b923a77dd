import { forEachYielding } from '../../flow/cooperative.ts'

const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/gs

/**
 * Where valid JSON has the same key twice in one object, as `line 3`; undefined if nowhere.
 *
 * JSON.parse takes the last of them without a word, and a server would be gone.
 */
export async function repeatedKey(text: string): Promise<string | undefined> {
  const open: Set<string>[] = []
  let repeated: number | undefined
  await forEachYielding(text.matchAll(token), ({ 0: found, 1: colon, index }) => {
    if (found === '{') open.push(new Set())
    else if (found === '}') open.pop()
    else if (colon !== undefined) {
      const keys = open.at(-1)
      const key = keyOf(found.slice(0, -colon.length))
      if (keys?.has(key)) repeated ??= index
      keys?.add(key)
    }
  })
  return repeated === undefined ? undefined : `line ${text.slice(0, repeated).split('\n').length}`
}

function keyOf(quoted: string): string {
  return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
}
