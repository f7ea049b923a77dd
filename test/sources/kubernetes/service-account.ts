import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Writes a service account as the kubelet mounts it. */
export async function mountServiceAccount(content: { token: string; ca: string; namespace?: string }) {
  const directory = await mkdtemp(join(tmpdir(), 'roster-account-'))
  await mkdir(directory, { recursive: true })
  const write = async ({ token, ca, namespace }: { token?: string; ca?: string; namespace?: string }) => {
    if (token !== undefined) await writeFile(join(directory, 'token'), `${token}\n`)
    if (ca !== undefined) await writeFile(join(directory, 'ca.crt'), ca)
    if (namespace !== undefined) await writeFile(join(directory, 'namespace'), namespace)
  }
  await write(content)
  return { directory, write, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
}
