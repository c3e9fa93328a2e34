import { type Provider, startProvider } from '@countersign/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CachingProxy, lifetime, startCachingProxy } from './support/caching-proxy.ts'
import { type SharedTime, shareTime } from './support/date-shift.ts'
import { findAppUrl, type KeyApp, startKeyApp } from './support/key-app.ts'
import { type KeyPlace, keyKinds } from './support/key-kinds.ts'
import { readKids, signIn } from './support/key-logins.ts'

/** Seconds that a new version waits. */
const wait = 1800

let time: SharedTime
beforeEach(() => {
  time = shareTime()
})
afterEach(() => time.stop())

const kinds = keyKinds.filter(({ name }) =>
  ['AWS', 'Google', 'Azure', 'Vault'].some((one) => name.startsWith(one)),
)

describe.each(kinds)(
  'with keys of the kind $name, and a provider that keeps our JWK Set for five minutes',
  ({ start }) => {
    let place: KeyPlace
    let provider: Provider
    let cache: CachingProxy
    let apps: readonly KeyApp[]
    let name: string

    beforeEach(async () => {
      place = await start()
      ;({ name } = await place.createKey())
      const urls = [await findAppUrl(), await findAppUrl()]
      cache = await startCachingProxy(urls.map((url) => `${url}/.well-known/jwks.json`))
      const redirectUris = urls.map((url) => `${url}/callback`)
      const clients = [{ clientId: 'app', jwksUri: cache.url, redirectUris }]
      provider = await startProvider({ interaction: 'auto', strict: true, clients })
      const keys = place.describe([{ name, wait }])
      const { issuer } = provider
      apps = await Promise.all(urls.map((url) => startKeyApp(keys, { issuer, url })))
    })
    afterEach(async () => {
      await Promise.all(apps.map((app) => app.close()))
      await provider.close()
      await cache.close()
      await place.close()
    })

    const advance = (seconds: number) => time.advance(seconds, apps)

    /** Many logins at once, over both apps; the names of the keys that signed them. */
    async function signInMany(during?: () => Promise<void>): Promise<ReadonlySet<unknown>> {
      const before = provider.assertions.length
      const logins = Array.from({ length: 20 }, (_, index) => signIn(apps[index % 2] as KeyApp))
      await during?.()
      expect(new Set(await Promise.all(logins))).toEqual(new Set([200]))
      return new Set(provider.assertions.slice(before).map(({ header }) => header.kid))
    }

    test('a new version is published, waits, signs; the old one is retired; no login fails', async () => {
      const [old] = await readKids(apps[0] as KeyApp)
      expect(await signInMany()).toEqual(new Set([old]))

      // 1. Publish, in the middle of logins
      expect(await signInMany(() => place.rotate?.(name) ?? Promise.resolve())).toEqual(
        new Set([old]),
      )
      await advance(lifetime + 1)
      expect(await signInMany()).toEqual(new Set([old]))
      const [, next] = await readKids(apps[0] as KeyApp)
      expect(next).toBeDefined()
      expect(next).not.toBe(old)
      for (const app of apps) expect(await readKids(app)).toEqual([old, next])

      // 2. Wait
      await advance(wait / 2)
      expect(await signInMany()).toEqual(new Set([old]))

      // 3. Switch: nobody does anything
      await advance(wait / 2)
      expect(await signInMany()).toEqual(new Set([next]))
      for (const app of apps) expect(await readKids(app)).toEqual([old, next])

      // 4. Retire
      await advance(wait + 1)
      expect(await signInMany()).toEqual(new Set([next]))
      for (const app of apps) expect(await readKids(app)).toEqual([next])

      for (const app of apps) {
        const events = await app.readEvents()
        const told = events.filter(({ type }) => /^key\.(published|switched|retired)$/.test(type))
        expect(told).toMatchObject([
          { type: 'key.published', kid: next, alg: 'ES256' },
          { type: 'key.switched', kid: next, previous: old },
          { type: 'key.retired', kid: old },
        ])
        expect(events.filter(({ type }) => type.endsWith('failed'))).toEqual([])
      }
      expect(cache.fetches).toBeLessThanOrEqual(5)
    }, 60_000)
  },
)
