/** Prints the notes of the source `file` for a folder in which one file is a mount of its own. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSource, SourceConfig } from '../../../src/sources/catalogue.ts'
import { follow } from '../../source-follower.ts'
import { toolsWith } from '../source-tools.ts'

const [folder = ''] = process.argv.slice(2)
const seen = follow(openSource(SourceConfig.parse({ type: 'file', paths: [folder] }), toolsWith()))
await seen.untilNames('beside', 'mounted')
await writeFile(join(folder, 'more.yaml'), 'servers: {more: {command: x}}\n')
await seen.untilNames('beside', 'more', 'mounted')
process.stdout.write(JSON.stringify(seen.sightings.map(({ note }) => note ?? '')))
await seen.end()
