import { setTimeout as delay } from 'node:timers/promises'
import { startProvider } from '@countersign/testing'
import { describe, expect, test } from 'vitest'
import { shareTime } from './support/date-shift.ts'
import { findAppUrl, type KeyApp, startKeyApp } from './support/key-app.ts'
import { keyKinds } from './support/key-kinds.ts'
import { readKids, signIn } from './support/key-logins.ts'

/** Logins that begin together, and how many times they do before the switch, and after it. */
const [burst, times] = [10, 3]
/** Milliseconds until the next ones begin, while the switch comes: later where the machine is busy. */
const pace = 400
/** Seconds until the switch: more than any machine takes to start the apps, and to be busy before it. */
const wait = 600
/** Seconds of it at whose beginning the apps look at their keys, and will not again before the switch. */
const near = 50
/** Seconds of it that pass by themselves, under way with logins. */
const approach = 2

describe.each(keyKinds)('with keys of the kind $name', ({ start }) => {
  test('a hundred logins in two processes, and a rotation in the middle: none fails', async () => {
    const time = shareTime()
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
    const switchAt = Math.ceil(Date.now() / 1000) + wait
    const keys = place.describe([{ name: old.name }, { name: next.name, notBefore: switchAt }])
    const { issuer } = provider
    const apps = await Promise.all(urls.map((url) => startKeyApp(keys, { issuer, url })))

    const advanceTo = (left: number) =>
      time.advance(Math.max(0, Math.floor(switchAt - Date.now() / 1000) - left), apps)

    const signInTogether = () =>
      Promise.all(Array.from({ length: burst }, (_, index) => signIn(apps[index % 2] as KeyApp)))

    async function signInMany(): Promise<readonly number[]> {
      const statuses: number[] = []
      for (let time = 0; time < times; time++) statuses.push(...(await signInTogether()))
      return statuses
    }

    async function signInUntilSwitch(): Promise<readonly number[]> {
      const statuses: number[] = []
      while (Date.now() < switchAt * 1000) {
        const [found] = await Promise.all([signInTogether(), delay(pace)])
        statuses.push(...found)
      }
      return statuses
    }

    /** What signed the assertions of these logins, all of which work. */
    async function findSigners(act: () => Promise<readonly number[]>): Promise<Set<unknown>> {
      const before = provider.assertions.length
      expect(new Set(await act())).toEqual(new Set([200]))
      return new Set(provider.assertions.slice(before).map(({ header }) => header.kid))
    }

    try {
      // The first login finds the key store; the others are not to wait for it
      for (const app of apps) expect(await signIn(app)).toBe(200)
      const before = await findSigners(async () => {
        const signingIn = signInMany()
        for (const app of apps) expect(await readKids(app)).toEqual([oldJwk.kid, nextJwk.kid])
        return await signingIn
      })
      expect(before).toEqual(new Set([oldJwk.kid]))

      await advanceTo(near)
      expect(await findSigners(signInTogether)).toEqual(new Set([oldJwk.kid]))
      await advanceTo(approach)
      const meanwhile = await findSigners(signInUntilSwitch)
      expect([oldJwk.kid, nextJwk.kid]).toEqual(expect.arrayContaining([...meanwhile]))

      const after = await findSigners(signInMany)
      expect(after).toEqual(new Set([nextJwk.kid]))

      const tooEarly = provider.assertions.filter(
        ({ header, payload }) => header.kid === nextJwk.kid && Number(payload.iat) < switchAt,
      )
      expect(tooEarly).toEqual([])
      for (const app of apps) {
        const events = await app.readEvents()
        expect(events.filter(({ type }) => type === 'key.switched')).toEqual([
          { type: 'key.switched', kid: nextJwk.kid, previous: oldJwk.kid },
        ])
        expect(events.filter(({ type }) => type.endsWith('failed'))).toEqual([])
      }
    } finally {
      await Promise.all(apps.map((app) => app.close()))
      await provider.close()
      await place.close()
      time.stop()
    }
  })
})
