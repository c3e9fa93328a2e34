import { generateClientKey, type Provider, startProvider } from '@countersign/testing'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type App, startApp } from '../support/app.ts'
import { express5App } from '../support/apps/express.ts'
import { fastify5App } from '../support/apps/fastify.ts'
import { koa3App } from '../support/apps/koa.ts'
import { describeUnless } from '../support/installed.ts'
import { openRedisStore, redisSkipReason, startRedis } from '../support/redis.ts'
import type { OpenStore, ServerProcess } from '../support/server-process.ts'
import { secret } from '../support/setting.ts'
import { createUserAgent, type UserAgent } from '../support/user-agent.ts'
import { isSignedIn } from './support/logout-tokens.ts'

// What oidc-provider itself sends, of which nothing is made here
describeUnless(redisSkipReason)('at a real provider', () => {
  let provider: Provider
  let redis: ServerProcess
  const complaints: string[] = []
  const stores: OpenStore[] = []
  const apps: App[] = []
  const browsers: UserAgent[] = []

  /** Starts a process of the client, with a connection of its own to the one Redis. */
  async function start(clientId: string, framework = express5App): Promise<App> {
    const { privateKeyPem } = keys
    const { store, close } = await openRedisStore(redis.url)
    stores.push({ store, close })
    const app = await startApp(framework, {
      options: (baseUrl) => ({
        issuer: provider.issuer,
        clientId,
        clientKey: privateKeyPem,
        baseUrl,
        session: { secret, store, keep: ['idToken'], cookie: { name: clientId } },
      }),
    })
    apps.push(app)
    return app
  }

  let keys: Awaited<ReturnType<typeof generateClientKey>>
  /** Two processes of one client, and one of another. */
  let first: App
  let second: App
  let other: App

  beforeAll(async () => {
    keys = await generateClientKey()
    redis = await startRedis()
    provider = await startProvider({
      interaction: 'auto',
      onLog: (line) => complaints.push(line),
    })
    first = await start('app', koa3App)
    second = await start('app', fastify5App)
    other = await start('other')
    for (const [clientId, processes] of [
      ['app', [first, second]],
      ['other', [other]],
    ] as const) {
      await provider.addClient({
        clientId,
        jwks: keys.jwks,
        redirectUris: processes.map(({ url }) => `${url}/callback`),
        postLogoutRedirectUris: processes.map(({ url }) => `${url}/`),
        // Whichever process gets it
        backchannelLogoutUri: `${processes.at(-1)?.url}/backchannel-logout`,
      })
    }
  })
  afterAll(async () => {
    for (const browser of browsers) browser.close()
    for (const app of apps) await app.close()
    for (const { close } of stores) await close()
    await provider?.close()
    await redis?.close()
  })
  beforeEach(() => {
    complaints.length = 0
  })

  async function signIn(sub: string, at: readonly App[]): Promise<UserAgent> {
    const browser = createUserAgent()
    browsers.push(browser)
    provider.signInAs(sub)
    for (const { url } of at) {
      expect((await browser.navigate(`${url}/profile`)).status).toBe(200)
    }
    return browser
  }

  test('who is signed out there is signed out in all processes, and of all apps', async () => {
    const ada = await signIn('ada', [first, other])
    const elsewhere = await signIn('ada', [first])
    const grace = await signIn('grace', [first])
    for (const app of [first, second, other]) expect(await isSignedIn({ app }, ada)).toBe(true)

    const deliveries = await provider.signOut('ada')
    expect(deliveries.map(({ error }) => error)).toEqual([undefined, undefined, undefined])
    for (const app of [first, second, other]) expect(await isSignedIn({ app }, ada)).toBe(false)
    expect(await isSignedIn({ app: second }, elsewhere)).toBe(false)
    for (const app of [first, second]) expect(await isSignedIn({ app }, grace)).toBe(true)
    expect(complaints).toEqual([])
  })

  test('who signs out of one app is signed out of the other, too', async () => {
    const browser = await signIn('ada', [first, other])
    const another = await signIn('ada', [other])
    const out = await browser.post(`${first.url}/logout`, {})
    expect(out.history.map(({ url }) => new URL(url).origin)).toContain(provider.issuer)
    expect(new URL(out.url).origin).toBe(first.origin)
    for (const app of [first, second, other]) expect(await isSignedIn({ app }, browser)).toBe(false)
    // In another browser it is another session
    expect(await isSignedIn({ app: other }, another)).toBe(true)
    // Not even for the one that began it, and had ended its own session before
    expect(complaints).toEqual([])
  })
})
