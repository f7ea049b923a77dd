import { type Command, UsageError } from './command.ts'
import { counted, storeHelp, storeOptions, withStore } from './store.ts'

export const backups: Command = {
  summary: 'Copy all that is registered into one file, while the daemon goes on.',
  usage: 'FILE [--config FILE]',
  options: storeOptions,
  help: [
    ['FILE', 'Where to; readable by you alone. A file of that name is replaced once the new one is whole.'],
    ...storeHelp,
  ],
  async run(invocation) {
    const [file, ...more] = invocation.positionals
    if (file === undefined || more.length > 0) throw new UsageError('backup takes the name of one file')
    const { backup } = await import('../stores/backup.ts')
    const { registrations, sources } = await withStore(invocation, { mustExist: true }, (store) => backup(store, file))
    const kept = sources > 0 ? ` and the last readings of ${counted(sources, 'source')}` : ''
    invocation.terminal.out(`${counted(registrations, 'registration')}${kept} written to ${file}\n`)
    return 0
  },
}
