/** Parses the text of a boolean parameter: `true`, `false`, `1` or `0` in any case; undefined for any other text. */
export function parseFlag(text: string): boolean | undefined {
  switch (text.toLowerCase()) {
    case 'true':
    case '1':
      return true
    case 'false':
    case '0':
      return false
    default:
      return undefined
  }
}
