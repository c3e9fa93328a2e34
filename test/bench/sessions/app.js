/**
 * One app on Express with sessions in Redis: ours, express-session's, or none at all. It fills the store
 * with sessions when it is told to, and tells its CPU time when asked.
 *
 * @module
 */

import { createHmac, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createRelyingParty, oidc } from '@countersign/express'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'

const { kind, issuer, secret, clientKey, redis, perUser, keep } = JSON.parse(process.env.BENCH)
const client = createClient({ url: redis })
await client.connect()
const store = new RedisStore({ client })

const claims = (index) => ({
  sub: `user-${String(Math.floor(index / perUser)).padStart(6, '0')}`,
  sid: randomBytes(16).toString('hex'),
  acr: 'urn:mace:incommon:iap:silver',
  amr: ['pwd', 'otp'],
  name: 'Jane Q. Public',
  given_name: 'Jane',
  family_name: 'Public',
  preferred_username: 'jane.public',
  email: `user-${index}@example.com`,
  email_verified: true,
  locale: 'en-GB',
  updated_at: 1_700_000_000,
})
const tokens = keep
  ? {
      idToken: randomBytes(750).toString('base64url'),
      accessToken: randomBytes(600).toString('base64url'),
      refreshToken: randomBytes(64).toString('base64url'),
      expiresAt: Math.floor(Date.now() / 1000) + 86_400,
    }
  : undefined

const kinds = {
  async bare() {
    return { app: express(), issue: async () => '' }
  },
  async countersign(baseUrl) {
    const relyingParty = createRelyingParty({
      issuer,
      clientId: 'bench',
      clientKey,
      baseUrl,
      session: {
        secret,
        store,
        ...(keep && { keep: ['idToken', 'accessToken', 'refreshToken'] }),
      },
    })
    const { issueSession } = await import('@countersign/core/testing')
    return {
      app: express().use(oidc(relyingParty)),
      readUser: (req) => req.oidc.user,
      async issue(index) {
        const cookies = await issueSession(relyingParty, { claims: claims(index), tokens })
        return cookies.join('; ')
      },
    }
  },
  async 'express-session'() {
    const options = { store, secret, resave: false, saveUninitialized: false }
    return {
      app: express().use(session({ ...options, cookie: { maxAge: 86_400_000 } })),
      readUser: (req) => req.session.user,
      async issue(index) {
        const id = randomBytes(18).toString('base64url')
        const cookie = { originalMaxAge: 86_400_000, expires: new Date(Date.now() + 86_400_000) }
        await store.set(id, { cookie, user: claims(index), tokens })
        const mac = createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '')
        return `connect.sid=${encodeURIComponent(`s:${id}.${mac}`)}`
      },
    }
  },
}

/** Fills the store from one number to another, and returns the cookies of some of them. */
async function fill(issue, { from, to, samples }) {
  const every = Math.max(Math.floor((to - from) / samples), 1)
  const cookies = []
  let next = from
  async function work() {
    while (next < to) {
      const index = next++
      const cookie = await issue(index)
      if ((index - from) % every === 0) cookies.push(cookie)
    }
  }
  await Promise.all(Array.from({ length: 64 }, work))
  return { cookies: cookies.slice(0, samples) }
}

function readUsage() {
  const { user, system } = process.cpuUsage()
  return { cpu: user + system, rss: process.memoryUsage.rss() }
}

async function readMemory() {
  const info = await client.info('memory')
  return { bytes: Number(/used_memory:(\d+)/.exec(info)?.[1]), keys: await client.dbSize() }
}

const server = createServer({ keepAliveTimeout: 600_000 })
server.listen(0, '127.0.0.1', async () => {
  const baseUrl = `http://127.0.0.1:${server.address().port}`
  const { app, issue, readUser = () => undefined } = await kinds[kind](baseUrl)
  app.disable('x-powered-by')
  app.get('/me', (req, res) => {
    const user = readUser(req)
    res.json({ sub: user?.sub ?? null, name: user?.name ?? null })
  })
  server.on('request', app)
  const jobs = {
    usage: async () => readUsage(),
    memory: readMemory,
    empty: async () => void (await client.flushAll()),
    fill: (job) => fill(issue, job),
  }
  process.on('message', async ({ id, type, ...job }) => {
    try {
      process.send({ id, answer: (await jobs[type](job)) ?? {} })
    } catch (error) {
      process.send({ id, error: error.stack })
    }
  })
  process.send({ ready: { baseUrl } })
})
process.on('disconnect', () => process.exit())
