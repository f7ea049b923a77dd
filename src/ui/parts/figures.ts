/** A duration of an answer. */
export function milliseconds(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toLocaleString('en', { maximumFractionDigits: 1 })} s`
  return `${ms.toLocaleString('en', { maximumSignificantDigits: ms < 10 ? 2 : 3 })} ms`
}

/** A share from 0 to 1 in per cent; 99.999 % is not rounded to 100. */
export function percent(share: number): string {
  return `${(Math.floor(share * 10_000) / 100).toLocaleString('en')} %`
}
