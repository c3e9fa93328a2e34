import { type Provider, startProvider } from '@countersign/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createUserAgent } from '../support/user-agent.ts'
import { findAppUrl, type KeyApp, startKeyApp } from './support/key-app.ts'
import { type KeyPlace, keyKinds } from './support/key-kinds.ts'
import { signIn } from './support/key-logins.ts'

const kinds = keyKinds.filter(({ name }) => name !== 'file' && name !== 'PKCS#11')

describe.each(kinds)('with $name away', ({ start }) => {
  let place: KeyPlace
  let provider: Provider
  let app: KeyApp
  beforeEach(async () => {
    place = await start()
    const { name, publicJwk } = await place.createKey()
    const url = await findAppUrl()
    provider = await startProvider({
      interaction: 'auto',
      strict: true,
      clients: [
        { clientId: 'app', jwks: { keys: [{ ...publicJwk }] }, redirectUris: [`${url}/callback`] },
      ],
    })
    app = await startKeyApp(place.describe([{ name }]), { issuer: provider.issuer, url })
  })
  afterEach(async () => {
    await app.close()
    await provider.close()
    await place.close()
  })

  test('from the start: the app starts and serves, nobody is sent to sign in, and back up it works', async () => {
    place.setAway?.(true)
    const browser = createUserAgent()
    expect((await browser.navigate(`${app.url}/public`)).status).toBe(200)
    const pages = await Promise.all([0, 1, 2].map(() => browser.navigate(`${app.url}/login`)))
    for (const page of pages) {
      expect(page.status).toBe(503)
      expect(page.headers['retry-after']).toBe('10')
      expect(page.headers['content-type']).toContain('text/html')
      expect(new URL(page.url).origin).toBe(app.url)
    }
    expect(await app.readEvents()).toContainEqual(
      expect.objectContaining({
        type: 'login.failed',
        error: expect.objectContaining({ code: 'ERR_KEY_UNAVAILABLE', reason: 'timeout' }),
      }),
    )
    place.setAway?.(false)
    expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
    browser.close()
  }, 30_000)

  test('later: sessions and public pages go on, a login is a 503 in time, and back up it works', async () => {
    const browser = createUserAgent()
    expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
    place.setAway?.(true)
    const login = createUserAgent().navigate(`${app.url}/profile`)
    expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
    expect((await browser.navigate(`${app.url}/public`)).status).toBe(200)
    expect((await browser.navigate(`${app.url}/.well-known/jwks.json`)).status).toBe(200)
    const { status, headers } = await login
    expect({ status, retryAfter: headers['retry-after'] }).toEqual({
      status: 503,
      retryAfter: '10',
    })
    const events = await app.readEvents()
    expect(events.findLast(({ type }) => type === 'login.failed')).toMatchObject({
      error: { code: 'ERR_SIGN', reason: 'timeout' },
    })
    place.setAway?.(false)
    expect(await signIn(app)).toBe(200)
    browser.close()
  }, 30_000)
})
