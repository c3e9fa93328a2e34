import * as oidc from 'openid-client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createUserAgent, type UserAgent } from '../../../test/support/user-agent.ts'
import {
  type GeneratedClientKey,
  generateClientKey,
  type Provider,
  type ProviderClient,
  startProvider,
} from '../src/index.ts'
import { discover, login, postLogoutRedirectUri, redirectUri, visit } from './app.ts'
import { type LogoutReceiver, startLogoutReceiver, verifyLogoutToken } from './logout-receiver.ts'

const event = 'http://schemas.openid.net/event/backchannel-logout'

let key: GeneratedClientKey
let receiver: LogoutReceiver
let provider: Provider
let config: oidc.Configuration
let app: ProviderClient
const log: string[] = []

beforeAll(async () => {
  key = await generateClientKey()
  receiver = await startLogoutReceiver()
  app = {
    clientId: 'app',
    jwks: key.jwks,
    redirectUris: [redirectUri],
    postLogoutRedirectUris: [postLogoutRedirectUri],
    backchannelLogoutUri: receiver.url,
  }
  provider = await startProvider({ interaction: 'auto', onLog: (line) => log.push(line) })
})

beforeEach(async () => {
  await provider.addClient(app)
  config ??= await discover(provider, key)
  provider.endSessions()
  receiver.answerWith(200)
  receiver.received.length = 0
  log.length = 0
})

afterAll(async () => {
  await provider.close()
  receiver.close()
})

async function signIn(agent: UserAgent, sub = 'ada'): Promise<{ sid: unknown; idToken: string }> {
  provider.signInAs(sub)
  const tokens = await (await login(config, {}, { agent })).redeem()
  return { sid: tokens.claims()?.['sid'], idToken: tokens.id_token ?? '' }
}

async function signOut(agent: UserAgent, idToken: string): Promise<string | undefined> {
  const url = oidc.buildEndSessionUrl(config, {
    id_token_hint: idToken,
    post_logout_redirect_uri: postLogoutRedirectUri,
  })
  return (await visit(agent, url.href)).history.at(-1)?.location
}

async function isSignedIn(agent: UserAgent): Promise<boolean> {
  const { callback } = await login(config, { prompt: 'none' }, { agent })
  return callback.searchParams.get('error') !== 'login_required'
}

describe('a logout at the End-Session Endpoint', () => {
  test('sends a Logout Token as the specification wants it', async () => {
    const agent = createUserAgent()
    const { sid, idToken } = await signIn(agent)
    expect(sid).toEqual(expect.any(String))
    expect(await signOut(agent, idToken)).toBe(postLogoutRedirectUri)

    expect(receiver.received).toHaveLength(1)
    expect(receiver.received[0]?.contentType).toBe('application/x-www-form-urlencoded')
    const { payload, protectedHeader } = await verifyLogoutToken(
      provider.issuer,
      receiver.received[0],
    )
    // Back-Channel Logout 1.0, 2.4: these and no other, above all no nonce
    expect(payload).toEqual({
      iss: provider.issuer,
      aud: 'app',
      iat: expect.any(Number),
      exp: expect.any(Number),
      jti: expect.any(String),
      events: { [event]: {} },
      sub: 'ada',
      sid,
    })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(120)
    expect(protectedHeader.typ).toBe('logout+jwt')
  })

  test('asks the End-User to sign in again', async () => {
    const agent = createUserAgent()
    const { idToken } = await signIn(agent)
    expect(await isSignedIn(agent)).toBe(true)
    await signOut(agent, idToken)
    expect(await isSignedIn(agent)).toBe(false)
    const { page } = await login(config, {}, { agent })
    const paths = page.history.map(({ url }) => new URL(url).pathname)
    expect(paths.some((path) => path.startsWith('/sign-in/'))).toBe(true)
  })

  test('leaves out "sid" for a client that wants none', async () => {
    await provider.addClient({ ...app, backchannelLogoutSessionRequired: false })
    const agent = createUserAgent()
    const { sid, idToken } = await signIn(agent)
    expect(sid).toBeUndefined()
    await signOut(agent, idToken)
    const { payload } = await verifyLogoutToken(provider.issuer, receiver.received[0])
    expect(payload.sub).toBe('ada')
    expect(payload).not.toHaveProperty('sid')
  })

  test('goes on when the app refuses the token, and says so in the log', async () => {
    receiver.answerWith(400)
    const agent = createUserAgent()
    const { idToken } = await signIn(agent)
    expect(await signOut(agent, idToken)).toBe(postLogoutRedirectUri)
    expect(log.join()).toMatch(/backchannel\.error: expected 200 OK from .*, got: 400/)
  })
})

describe('"signOut"', () => {
  test('ends every session of one End-User, and tells the app of each', async () => {
    const [laptop, phone, other] = [createUserAgent(), createUserAgent(), createUserAgent()]
    const first = await signIn(laptop)
    const second = await signIn(phone)
    await signIn(other, 'grace')
    const deliveries = await provider.signOut('ada')
    expect(deliveries).toHaveLength(2)
    expect(deliveries).toEqual(
      expect.arrayContaining([
        { clientId: 'app', sid: first.sid },
        { clientId: 'app', sid: second.sid },
      ]),
    )
    const tokens = receiver.received.map((one) => verifyLogoutToken(provider.issuer, one))
    const sids = (await Promise.all(tokens)).map(({ payload }) => payload['sid'])
    expect(sids.sort()).toEqual([first.sid, second.sid].sort())
    expect(await isSignedIn(laptop)).toBe(false)
    expect(await isSignedIn(phone)).toBe(false)
    expect(await isSignedIn(other)).toBe(true)
    expect(await provider.signOut('ada')).toEqual([])
  })

  test('reports an app that does not accept the token', async () => {
    receiver.answerWith(503)
    const { sid } = await signIn(createUserAgent())
    expect(await provider.signOut('ada')).toEqual([
      { clientId: 'app', sid, error: expect.stringMatching(/got: 503/) },
    ])
  })
})

describe('"sendLogoutToken"', () => {
  test('sends what the provider itself would not, with a key that is published', async () => {
    const response = await provider.sendLogoutToken({ clientId: 'app', sub: 'ada' })
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const { payload } = await verifyLogoutToken(provider.issuer, receiver.received[0])
    expect(payload).toMatchObject({ sub: 'ada', events: { [event]: {} } })
    expect(payload).not.toHaveProperty('sid')
  })

  test('can be made wrong', async () => {
    const claims = { events: undefined, nonce: 'n', exp: 1 }
    await provider.sendLogoutToken({ clientId: 'app', sid: 's', claims, typ: 'JWT' })
    const [header, payload] = (receiver.received[0]?.logoutToken ?? '')
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString())
    expect(header).toContain('"typ":"JWT"')
    expect(JSON.parse(payload ?? '')).toEqual({
      iss: provider.issuer,
      aud: 'app',
      iat: expect.any(Number),
      exp: 1,
      jti: expect.any(String),
      sid: 's',
      nonce: 'n',
    })
  })

  test('needs a client that is registered for it', async () => {
    await provider.addClient({ clientId: 'deaf', jwks: key.jwks, redirectUris: [redirectUri] })
    await expect(provider.sendLogoutToken({ clientId: 'deaf', sub: 'ada' })).rejects.toThrow(
      'client "deaf" has no "backchannelLogoutUri"',
    )
    await expect(provider.sendLogoutToken({ clientId: 'none', sub: 'ada' })).rejects.toThrow(
      'no client has the id "none"',
    )
  })
})

test('the metadata say so', () => {
  expect(config.serverMetadata()).toMatchObject({
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  })
})
