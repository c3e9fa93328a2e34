/**
 * The process that signs: with ours, or with what it is compared to. It tells how often it did, how long
 * that took, and what became of its event loop meanwhile.
 *
 * @module
 */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { loadOpener } from './keys/openers.js'
import { loadCore } from './keys/packages.js'

const { kind, isOurs, alg, place, inFlight } = JSON.parse(process.env.BENCH ?? '{}')

/** As long as a client assertion is. */
const data = Buffer.alloc(420, 'eyJhbGciOiJFUzI1NiIs')

/** What signs: `sign` the octets, and `login` what a login takes of it. */
async function open() {
  const opener = await loadOpener(kind)
  if (isOurs) return await createOurs(await opener.openOurs(place, alg))
  const sign = await opener.openBare(place, alg, { inFlight })
  return { sign: () => sign(data), login: () => sign(data) }
}

async function createOurs(clientKey) {
  const { createClientAssertion } = await loadCore('client/client-assertion.js')
  const { createRelyingParty, findWiring } = await loadCore('relying-party.js')
  const issuer = 'https://login.example'
  const relyingParty = createRelyingParty({
    issuer,
    clientId: 'bench',
    clientKey,
    baseUrl: 'https://app.example',
    session: { secret: 'a session secret for the bench, and for nothing but the bench' },
  })
  const { config, registrations, clock, emit } = findWiring(relyingParty)
  const [{ keyRing }] = registrations.all
  const [{ assertion: options, keySources }] = config.providers
  const authenticate = createClientAssertion({ keyRing, options, clock, emit })
  const server = { issuer, token_endpoint: `${issuer}/token` }
  const [source] = keySources
  return {
    async sign() {
      const [{ signer }] = await source.keys()
      return await signer.sign(data)
    },
    login: () => authenticate(server, { client_id: 'bench' }, new URLSearchParams()),
  }
}

const { sign, login } = await open()

/**
 * Acts again and again for some milliseconds, so many times at once. Each begins in a turn of the event
 * loop of its own accord, as a request does that has arrived.
 */
async function repeat(act, { duration, count: atOnce }) {
  const end = performance.now() + duration
  let done = 0
  const run = async () => {
    // Once at least, however slow the machine is
    do {
      await act()
      done += 1
      await setImmediate()
    } while (performance.now() < end)
  }
  await Promise.all(Array.from({ length: atOnce }, run))
  return done
}

const jobs = {
  /** Signs as often as it can, and tells the rate and the CPU that one takes. */
  async rate({ duration }) {
    const before = process.cpuUsage()
    const started = performance.now()
    const done = await repeat(sign, { duration, count: inFlight })
    const elapsed = performance.now() - started
    const { user, system } = process.cpuUsage(before)
    return { rate: (done / elapsed) * 1000, cpu: (user + system) / done }
  },
  /** One at a time; the median of how long one takes, in µs. */
  async latency({ duration }) {
    const times = []
    const act = async () => {
      const started = performance.now()
      await login()
      times.push((performance.now() - started) * 1000)
    }
    await repeat(act, { duration, count: 1 })
    return { latency: times.sort((a, b) => a - b)[Math.floor(times.length / 2)] }
  },
  /** Delays of the event loop, in µs, while so many logins are under way. */
  async loop({ duration, count }) {
    const histogram = monitorEventLoopDelay({ resolution: 1 })
    histogram.enable()
    const started = performance.now()
    const done = await repeat(login, { duration, count })
    const elapsed = performance.now() - started
    histogram.disable()
    return {
      rate: (done / elapsed) * 1000,
      p50: histogram.percentile(50) / 1000,
      p99: histogram.percentile(99) / 1000,
      max: histogram.max / 1000,
    }
  },
}

process.on('message', async ({ id, type, ...job }) => {
  try {
    process.send({ id, answer: await jobs[type](job) })
  } catch (error) {
    process.send({ id, error: error.stack })
  }
})
process.on('disconnect', () => process.exit())
await login()
process.send({ ready: {} })
