/** Texts of the palette. */
export const paletteTexts = {
  title: 'Go to',
  button: 'Go to',
  open: 'A page, a server or an action (Ctrl or ⌘ with K)',
  hint: 'A page, a server or an action',
  kinds: { page: 'page', server: 'server', action: 'action' },
  verbs: {
    probe: (name: string) => `Probe ${name} now`,
    enable: (name: string) => `Enable ${name}`,
    disable: (name: string) => `Disable ${name}`,
  },
  done: (text: string) => `${text}: done.`,
  running: (text: string) => `${text}…`,
  nothing: 'Nothing matches.',
  results: 'Results',
} as const
