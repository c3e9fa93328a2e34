/**
 * A Redis of the bench's own, on loopback and in memory.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Starts it; `undefined` where there is none on this machine. */
export async function startRedis() {
  const port = await findPort()
  const flags = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'ignore'] })
  const isThere = await Promise.race([
    once(child, 'error').then(() => false),
    once(child, 'exit').then(() => false),
    waitFor(child.stdout, /Ready to accept connections/),
  ])
  if (!isThere) return undefined
  child.stdout.resume()
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      const exit = once(child, 'exit')
      child.kill()
      await exit
    },
  }
}

/** A free port below those that systems give away by themselves: it is still free when Redis has started. */
async function findPort() {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    if (await isFree(port)) return port
  }
}

function isFree(port) {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

function waitFor(stream, pattern) {
  return new Promise((resolve) => {
    let text = ''
    stream.on('data', (chunk) => {
      text += chunk
      if (pattern.test(text)) resolve(true)
    })
  })
}
