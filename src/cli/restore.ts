import { type Command, UsageError } from './command.ts'
import { counted, storeHelp, storeOptions, withStore } from './store.ts'

export const restores: Command = {
  summary: 'Put back what a backup holds, also beside a running daemon.',
  usage: 'FILE [--force] [--config FILE]',
  options: { ...storeOptions, force: { type: 'boolean' } },
  help: [
    ['FILE', 'What "mcp-roster backup" wrote. It is checked as a whole before anything is changed.'],
    ['--force', 'Replace what is registered; without it only an empty store is filled.'],
    ...storeHelp,
  ],
  async run(invocation) {
    const [file, ...more] = invocation.positionals
    if (file === undefined || more.length > 0) throw new UsageError('restore takes the name of one file')
    const { restore } = await import('../stores/backup.ts')
    const force = invocation.values['force'] === true
    const { registrations, sources } = await withStore(invocation, { mustExist: false }, (store) =>
      restore(store, file, { force }),
    )
    const kept = sources > 0 ? ` and the last readings of ${counted(sources, 'source')}` : ''
    invocation.terminal.out(`${counted(registrations, 'registration')}${kept} restored from ${file}\n`)
    return 0
  },
}
