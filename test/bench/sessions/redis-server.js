/**
 * A Redis of the bench's own, on loopback and in memory.
 *
 * @module
 */

import { spawn } from 'node:child_process'
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

async function findPort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
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
