/** Texts of the palette. */
export const paletteTexts = {
  title: 'Go to',
  open: 'Search everything (Ctrl or ⌘ K)',
  hint: 'A page, a server or an action',
  kinds: { page: 'page', server: 'server', action: 'action' },
  nothing: 'Nothing matches.',
  results: 'Results',
} as const
