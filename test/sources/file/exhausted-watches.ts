/**
 * Runs on a system without file watches left (see `watcher.test.ts`), and prints the note of the source meanwhile.
 *
 * `node exhausted-watches.ts FOLDER LIMIT`: LIMIT is the kernel's file that holds the number of watches allowed.
 */
import { writeFileSync } from 'node:fs'
import { openSource, SourceConfig } from '../../../src/sources/catalogue.ts'
import { follow } from '../../source-follower.ts'
import { toolsWith } from '../source-tools.ts'

const [folder = '', limit = ''] = process.argv.slice(2)
const save = (name: string) => writeFileSync(`${folder}/${name}.json`, JSON.stringify([{ name, command: 'x' }]))
const noteOf = () => seen.sightings.at(-1)?.note

save('before')
const seen = follow(openSource(SourceConfig.parse({ type: 'file', paths: [folder], rescan: 0.2 }), toolsWith()))
await seen.until('the note says that it polls', () => noteOf() !== undefined)
const note = noteOf()
save('meanwhile')
await seen.untilNames('before', 'meanwhile')
writeFileSync(limit, '1000')
await seen.until('it watches again', () => noteOf() === undefined)
await seen.end()
process.stdout.write(JSON.stringify({ note, names: seen.names(), state: seen.state() }))
