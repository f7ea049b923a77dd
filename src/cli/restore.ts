import { type Command, UsageError } from './command.ts'
import { countOf, storeHelp, storeOptions, withStore } from './store.ts'

export const restoreCommand: Command = {
  summary: 'Restore a backup; the daemon may be running.',
  usage: 'FILE [--force] [--config FILE]',
  options: { ...storeOptions, force: { type: 'boolean' } },
  help: [
    ['FILE', 'A file written by "mcp-roster backup". It is validated completely before anything changes.'],
    ['--force', 'Replace existing registrations; without it, only an empty store is restored.'],
    ...storeHelp,
  ],
  async run(invocation) {
    const [file, ...more] = invocation.positionals
    if (file === undefined || more.length > 0) throw new UsageError('restore takes the name of one file')
    const { restoreBackup: restore } = await import('../stores/backup.ts')
    const force = invocation.values['force'] === true
    const { registrations, sources } = await withStore(invocation, { mustExist: false }, (store) =>
      restore(store, file, { force }),
    )
    const readings = sources > 0 ? ` and the last readings of ${countOf(sources, 'source')}` : ''
    invocation.terminal.out(`${countOf(registrations, 'registration')}${readings} restored from ${file}\n`)
    return 0
  },
}
