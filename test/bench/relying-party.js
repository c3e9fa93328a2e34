/**
 * The process that is measured: one app, and nothing else. It tells its CPU time when asked.
 *
 * @module
 */

import { createServer } from 'node:http'

const { framework, kind, ...options } = JSON.parse(process.env.BENCH ?? '{}')
const server = createServer({ keepAliveTimeout: 600_000 })
server.listen(0, '127.0.0.1', async () => {
  const baseUrl = `http://127.0.0.1:${server.address().port}`
  const { createApp } = await import(`./apps/${framework}/${kind}.js`)
  server.on('request', await createApp({ ...options, baseUrl }))
  process.send({ ready: { baseUrl, ...readUsage(), elapsed: performance.now() } })
})

/** CPU in microseconds, memory in bytes. */
function readUsage() {
  const { user, system } = process.cpuUsage()
  return { cpu: user + system, rss: process.memoryUsage.rss() }
}

const profiler = { session: undefined }

const answers = {
  usage: async () => readUsage(),
  async startProfile() {
    const { Session } = await import('node:inspector/promises')
    profiler.session = new Session()
    profiler.session.connect()
    await profiler.session.post('Profiler.enable')
    await profiler.session.post('Profiler.setSamplingInterval', { interval: 200 })
    await profiler.session.post('Profiler.start')
  },
  async stopProfile() {
    const { profile } = await profiler.session.post('Profiler.stop')
    profiler.session.disconnect()
    return profile
  },
}

process.on('message', async ({ id, type }) => {
  process.send({ id, answer: await answers[type]() })
})
process.on('disconnect', () => process.exit())
