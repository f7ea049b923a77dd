import { type Command, UsageError } from './command.ts'
import { countOf, storeHelp, storeOptions, withStore } from './store.ts'

export const backupCommand: Command = {
  summary: 'Copy all registrations into one file; the daemon may be running.',
  usage: 'FILE [--config FILE]',
  options: storeOptions,
  help: [
    ['FILE', 'The backup file, readable by its owner only. An existing one is replaced once the new one is complete.'],
    ...storeHelp,
  ],
  async run(invocation) {
    const [file, ...more] = invocation.positionals
    if (file === undefined || more.length > 0) throw new UsageError('backup takes the name of one file')
    const { writeBackup: backup } = await import('../stores/backup.ts')
    const { registrations, sources } = await withStore(invocation, { mustExist: true }, (store) => backup(store, file))
    const readings = sources > 0 ? ` and the last readings of ${countOf(sources, 'source')}` : ''
    invocation.terminal.out(`${countOf(registrations, 'registration')}${readings} written to ${file}\n`)
    return 0
  },
}
