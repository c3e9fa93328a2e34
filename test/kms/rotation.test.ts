import { setTimeout as delay } from 'node:timers/promises'
import { startProvider } from '@countersign/testing'
import { describe, expect, test } from 'vitest'
import { findAppUrl, type KeyApp, startKeyApp } from './support/key-app.ts'
import { keyKinds } from './support/key-kinds.ts'
import { readKids, signIn } from './support/key-logins.ts'

const logins = 100
/** Milliseconds between the beginnings of two logins. */
const pace = 40
/** Logins that begin together. */
const burst = 10

describe.each(keyKinds)('with keys of the kind $name', ({ start }) => {
  test('a hundred logins in two processes, and a rotation in the middle: none fails', async () => {
    const place = await start()
    const [old, next] = [await place.createKey(), await place.createKey()]
    const urls = [await findAppUrl(), await findAppUrl()]
    const { publicJwk: oldJwk } = old
    const { publicJwk: nextJwk } = next
    const provider = await startProvider({
      interaction: 'auto',
      strict: true,
      clients: [
        {
          clientId: 'app',
          jwks: { keys: [{ ...oldJwk }, { ...nextJwk }] },
          redirectUris: urls.map((url) => `${url}/callback`),
        },
      ],
    })
    const switchAt = Math.ceil(Date.now() / 1000) + 3 + Math.ceil((logins * pace) / 2000)
    const keys = place.describe([{ name: old.name }, { name: next.name, notBefore: switchAt }])
    const { issuer } = provider
    const apps = await Promise.all(urls.map((url) => startKeyApp(keys, { issuer, url })))
    try {
      // The first login finds the key store; the others are not to wait for it
      for (const app of apps) expect(await signIn(app)).toBe(200)
      expect(Date.now() / 1000).toBeLessThan(switchAt - 1)
      const statuses: Promise<number>[] = []
      const start = (switchAt - (logins * pace) / 2000) * 1000
      await delay(start - Date.now())
      for (let index = 0; index < logins; index++) {
        statuses.push(signIn(apps[index % 2] as KeyApp))
        if (index === 10) {
          for (const app of apps) {
            expect(await readKids(app)).toEqual([oldJwk.kid, nextJwk.kid])
          }
        }
        if (index % burst === burst - 1) await delay(pace * burst)
      }
      expect(new Set(await Promise.all(statuses))).toEqual(new Set([200]))
      const seen = provider.assertions.map(({ header, payload }) => ({
        kid: header.kid,
        isAfter: Number(payload.iat) >= switchAt,
      }))
      expect(seen).toHaveLength(logins + apps.length)
      const before = seen.filter(({ isAfter }) => !isAfter)
      const after = seen.filter(({ isAfter }) => isAfter)
      expect(new Set(before.map(({ kid }) => kid))).toEqual(new Set([oldJwk.kid]))
      expect(new Set(after.map(({ kid }) => kid))).toEqual(new Set([nextJwk.kid]))
      // The machine may be slow: what counts is that there are logins on both sides
      expect(before.length).toBeGreaterThan(apps.length)
      expect(after.length).toBeGreaterThan(apps.length)
      for (const { events } of apps) {
        expect(events.filter(({ type }) => type === 'key.switched')).toEqual([
          { type: 'key.switched', kid: nextJwk.kid, previous: oldJwk.kid },
        ])
        expect(events.filter(({ type }) => type.endsWith('failed'))).toEqual([])
      }
    } finally {
      await Promise.all(apps.map((app) => app.close()))
      await provider.close()
      await place.close()
    }
  })
})
