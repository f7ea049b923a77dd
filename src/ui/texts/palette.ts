/** Texts of the palette. */
export const paletteTexts = {
  title: 'Go to',
  button: 'Go to',
  open: 'A page, a server or an action (Ctrl or ⌘ with K)',
  hint: 'A page, a server or an action',
  kinds: { page: 'page', server: 'server', action: 'action' },
  nothing: 'Nothing matches.',
  results: 'Results',
} as const
