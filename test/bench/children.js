/**
 * Child processes that answer questions, each on the core it was given.
 *
 * @module
 */

import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const patience = 120_000
const running = new Set()

/** A core for the measured process and one for all others; `undefined` where that cannot be had. */
export function findCores() {
  if (process.platform !== 'linux') return undefined
  if (spawnSync('taskset', ['--version']).status !== 0) return undefined
  const status = readFileSync('/proc/self/status', 'utf8')
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? ''
  const cores = list.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
  return cores.length < 2 ? undefined : { others: cores[0], measured: cores[1] }
}

/** Starts one of the bench's programs and waits until it is ready. `node` is what runs it, with flags. */
export async function start(file, { core, bench = {}, node = [process.execPath] } = {}) {
  const program = [...node, fileURLToPath(new URL(file, import.meta.url))]
  const [command, ...args] = core === undefined ? program : ['taskset', '-c', `${core}`, ...program]
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production', BENCH: JSON.stringify(bench) },
  })
  running.add(child)
  child.on('exit', () => running.delete(child))
  let last = 0
  const { ready } = await hear(child, ({ ready }) => ready !== undefined)
  return {
    ready,
    async ask(type, job = {}) {
      const id = ++last
      child.send({ ...job, id, type })
      const { answer, error } = await hear(child, (message) => message.id === id)
      if (error) throw new Error(error)
      return answer
    },
    stop: () => end(child),
  }
}

/** Ends every child that is still there. */
export async function stopAll() {
  await Promise.all([...running].map(end))
}

function hear(child, isIt) {
  return new Promise((resolve, reject) => {
    const settle = (then, value) => {
      clearTimeout(timer)
      child.off('message', take).off('exit', fail).off('error', fail)
      then(value)
    }
    const take = (message) => isIt(message) && settle(resolve, message)
    const fail = (reason) =>
      settle(reject, reason instanceof Error ? reason : new Error(`a child ended with ${reason}`))
    const timer = setTimeout(fail, patience, new Error('a child did not answer'))
    child.on('message', take).on('exit', fail).on('error', fail)
  })
}

function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 2000)
    child.on('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    if (child.connected) child.disconnect()
  })
}
