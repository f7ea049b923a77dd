import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { describe, it } from 'node:test'
import { until } from '../e2e/daemon-process.ts'
import { definition, isAlive, openWorld, program, waiting } from './sidecar.ts'

/** State, parent, process group and session of a process, as Linux shows them. */
function statOf(pid: number) {
  const [state = '', ppid, group, session] = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ')
  return { state, ppid: Number(ppid), group, session }
}

/** Whether SIGTSTP stops the children of this process: the system ignores it where no shell could resume their group. */
function canBeSuspended(): boolean {
  if (process.platform !== 'linux') return false
  const { group, session } = statOf(process.pid)
  for (let { ppid } = statOf(process.pid); ppid > 0; ppid = statOf(ppid).ppid)
    if (statOf(ppid).group !== group) return statOf(ppid).session === session
  return false
}

describe('the signals of agent run', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGALRM'] as const) {
    it(`passes ${signal} on, and answers with 128 and its number where the process ends by it`, async () => {
      await using world = await openWorld()
      const { child, exited, commandPid } = world.run(program(waiting))
      const pid = await commandPid()
      await world.registered()

      child.kill(signal)

      assert.deepEqual(await exited, [128 + constants.signals[signal], null])
      assert.equal(isAlive(pid), false)
      assert.equal(await world.status(), 404)
    })
  }

  it('passes all other signals on that a process may be sent, and goes on', async () => {
    await using world = await openWorld()
    const signals = ['USR1', 'USR2', 'ALRM', 'QUIT', 'WINCH', 'CONT', 'TTIN', 'TTOU', 'URG', 'IO', 'ABRT', 'XCPU']
    const traps = signals.map((name) => `trap 'echo got ${name}' ${name}`).join('; ')
    const { child, exited, printed } = world.run([
      'sh',
      '-c',
      `echo $$; ${traps}; while :; do read -r line && exit 4; done`,
    ])
    await world.registered()

    for (const name of signals) {
      child.kill(`SIG${name}` as NodeJS.Signals)
      await until(() => printed.out.includes(`got ${name}`))
    }
    child.stdin.end('end\n')

    assert.deepEqual(await exited, [4, null])
    assert.doesNotMatch(printed.err, /Debugger/)
  })

  it(
    'is suspended and resumed with its process',
    { skip: !canBeSuspended() && 'needs Linux and a shell' },
    async () => {
      await using world = await openWorld(`${definition}timeout_threshold: 1\n`)
      const { child, commandPid } = world.run(program(waiting))
      const pids = [await commandPid(), child.pid ?? 0]
      await world.registered()
      const states = () => pids.map((pid) => statOf(pid).state).join('')

      for (let round = 0; round < 2; round++) {
        child.kill('SIGTSTP')
        await until(() => states() === 'TT')
        await until(async () => (await world.daemon.ask('GET', '/agents/report-1')).body['status'] === 'unhealthy')
        child.kill('SIGCONT')
        await until(() => !states().includes('T'))
        await until(async () => (await world.daemon.ask('GET', '/agents/report-1')).body['status'] === 'healthy')
      }
    },
  )

  it('waits for a process that ends in its own time', async () => {
    await using world = await openWorld()
    const { child, exited, printed, commandPid } = world.run(
      program(
        `process.on('SIGTERM', () => { console.log('asked'); process.stdin.once('data', () => process.exit(3)) });${waiting}`,
      ),
    )
    // It is registered as soon as it runs, maybe before it hears signals.
    await commandPid()
    await world.registered()

    child.kill('SIGTERM')
    await until(() => printed.out.includes('asked'))
    assert.equal(await world.status(), 200)
    child.stdin.end('now')

    assert.deepEqual(await exited, [3, null])
  })

  it('ends a lease by silence where it is killed, and leaves the process alone', async () => {
    await using world = await openWorld(`${definition}timeout_threshold: 1\n`)
    const { child, exited, commandPid } = world.run(program(waiting))
    const pid = await commandPid()
    await world.registered()

    child.kill('SIGKILL')
    await until(async () => (await world.daemon.ask('GET', '/agents/report-1')).body['status'] === 'unhealthy')

    assert.equal(isAlive(pid), true)
    process.kill(pid, 'SIGKILL')
    await exited
  })
})
