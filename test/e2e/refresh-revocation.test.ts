import { createRelyingParty, type OidcEvent, type RelyingParty } from '@countersign/core'
import { generateClientKey } from '@countersign/testing'
import { MemoryStore } from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type App, startApp } from '../support/app.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Double, startDouble } from '../support/provider-double.ts'
import { secret } from '../support/setting.ts'
import { createUserAgent, type UserAgent } from '../support/user-agent.ts'

describe.each(mainFrameworks)('on $name', (framework) => {
  const store = new MemoryStore()
  const events: OidcEvent[] = []
  let provider: Double
  let app: App
  let relyingParty: RelyingParty
  let restart: () => RelyingParty
  let browser: UserAgent

  beforeAll(async () => {
    provider = await startDouble()
    const { privateKeyPem, jwks } = await generateClientKey()
    provider.registerClient({ clientId: 'app', jwks: { keys: [...jwks.keys] } })
    app = await startApp(framework, {
      options: (baseUrl) => {
        restart = () =>
          createRelyingParty({
            issuer: provider.issuer,
            clientId: 'app',
            clientKey: privateKeyPem,
            baseUrl,
            session: { secret, store, keep: ['accessToken', 'refreshToken'] },
            http: { timeout: 2 },
            onEvent: (event) => events.push(event),
          })
        relyingParty = restart()
        return relyingParty
      },
    })
  })
  afterAll(async () => {
    await app.close()
    await provider.close()
  })
  beforeEach(async () => {
    provider.reset()
    browser?.close()
    browser = createUserAgent()
    expect((await browser.navigate(`${app.url}/profile`)).status).toBe(200)
    events.length = 0
  })

  const told = (type: OidcEvent['type']) => events.filter((event) => event.type === type)
  const revoked = () =>
    provider.requestsTo('revocation').map(({ form }) => form.get('token_type_hint'))

  async function leave(): Promise<void> {
    const page = await browser.navigate(`${app.url}/leave-here`, { follow: false })
    expect(page.status).toBe(303)
    const { text } = await browser.navigate(`${app.url}/public`)
    expect(JSON.parse(text)).toEqual({ isAuthenticated: false })
  }

  test('a logout revokes the refresh token, then the access token', async () => {
    await leave()
    expect(revoked()).toEqual(['refresh_token', 'access_token'])
    expect(told('token.revoked')).toHaveLength(2)
  })

  test('an endpoint that hangs takes the time of one request for both', async () => {
    provider.behave.hang.revocation = true
    await leave()
    // Nothing was left for the other
    expect(revoked()).toEqual(['refresh_token'])
    expect(told('token.revocation_failed')).toMatchObject([
      { error: { code: expect.stringMatching(/^ERR_PROVIDER_(TIMEOUT|UNAVAILABLE)$/) } },
    ])
  })

  test.each([
    ['that is missing', { revocationStatus: 404 }],
    ['that fails', { revocationStatus: 503 }],
    ['that is gone', { drop: { revocation: true } }],
    [
      'that does not know this kind of token',
      {
        raw: { revocation: { status: 400, body: '{"error":"unsupported_token_type"}' } },
      },
    ],
  ])('an endpoint %s is asked for both, and told of once', async (_name, behaviour) => {
    Object.assign(provider.behave, behaviour)
    await leave()
    expect(new Set(revoked())).toEqual(new Set(['refresh_token', 'access_token']))
    expect(told('token.revocation_failed')).toHaveLength(1)
    expect(JSON.stringify(events)).not.toContain(
      provider.requestsTo('revocation')[0]?.form.get('token'),
    )
  })

  test('a session that an administrator ends is revoked as well', async () => {
    const [session] = await relyingParty.sessions.list('alice')
    expect(await relyingParty.sessions.end(session?.id ?? '')).toBe(true)
    expect(revoked()).toEqual(['refresh_token', 'access_token'])
  })

  test('all sessions of an End-User are, by a process that knew nothing of the provider', async () => {
    const fresh = restart()
    const count = await fresh.sessions.endAll('alice')
    expect(count).toBeGreaterThan(0)
    expect(revoked().filter((hint) => hint === 'refresh_token')).toHaveLength(count ?? 0)
    await fresh.close()
  })

  test('a provider without such an endpoint is asked for nothing', async () => {
    provider.behave.metadata = ({ revocation_endpoint: _, ...rest }) => rest
    const fresh = restart()
    expect(await fresh.sessions.endAll('alice')).toBeGreaterThan(0)
    expect(revoked()).toEqual([])
    expect(told('token.revocation_failed')).toEqual([])
    await fresh.close()
  })
})
