import { type Command, UsageError } from './command.ts'
import { countOf, storeHelp, storeOptions, withStore } from './store.ts'

export const backupCommand: Command = {
  summary: 'Copy all registrations into one file; the daemon may be running.',
  usage: 'FILE|- [--force] [--config FILE]',
  options: { ...storeOptions, force: { type: 'boolean' } },
  help: [
    [
      'FILE',
      'The backup file, readable by its owner only; "-" is standard output. It is read back before it counts as made.',
    ],
    ['--force', 'Replace an existing file, once the new one is complete.'],
    ...storeHelp,
  ],
  async run(invocation) {
    const { terminal, signal } = invocation
    const [file, ...more] = invocation.positionals
    if (file === undefined || more.length > 0) throw new UsageError('backup takes the name of one file')
    const { streamBackup, writeBackup } = await import('../stores/backup.ts')
    const force = invocation.values['force'] === true
    const { registrations, sources } = await withStore(invocation, { mustExist: true }, (store) =>
      file === '-'
        ? streamBackup(store, async (line) => {
            terminal.out(line)
            await terminal.drained(signal)
          })
        : writeBackup(store, file, { force }),
    )
    const readings = sources > 0 ? ` and the last readings of ${countOf(sources, 'source')}` : ''
    const target = file === '-' ? 'standard output' : file
    const report = `${countOf(registrations, 'registration')}${readings} written to ${target}\n`
    if (file === '-') terminal.err(report)
    else terminal.out(report)
    return 0
  },
}
