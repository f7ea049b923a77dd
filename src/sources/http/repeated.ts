const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/gs

/**
 * Where valid JSON has the same key twice in one object, as `line 3`; undefined if nowhere.
 *
 * JSON.parse takes the last of them without a word, and a server would be gone.
 */
export function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = []
  for (const match of text.matchAll(token)) {
    const [found, colon] = match
    if (found === '{') open.push(new Set())
    else if (found === '}') open.pop()
    else if (colon !== undefined) {
      const keys = open.at(-1)
      const key = keyOf(found.slice(0, -colon.length))
      if (keys?.has(key)) return `line ${text.slice(0, match.index).split('\n').length}`
      keys?.add(key)
    }
  }
  return undefined
}

function keyOf(quoted: string): string {
  return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1)
}
