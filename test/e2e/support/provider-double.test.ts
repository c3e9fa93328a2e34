import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  verify,
} from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { decodeJwt, decodeProtectedHeader, type JWK, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Double, startDouble } from '../../support/provider-double.ts'
import { createUserAgent } from '../../support/user-agent.ts'

const redirect_uri = 'http://localhost:9/callback'
const privateKey = generatePrivateKey()
const jwk: JWK = {
  ...(createPublicKey(privateKey).export({ format: 'jwk' }) as JWK),
  kid: 'k1',
  alg: 'ES256',
}
const code_verifier = randomBytes(32).toString('base64url')
const code_challenge = createHash('sha256').update(code_verifier).digest('base64url')

let double: Double

beforeAll(async () => {
  double = await startDouble()
  double.registerClient({ clientId: 'app', jwks: { keys: [jwk] } })
})

afterEach(() => double.reset())
afterAll(() => double.close())

async function clientAuthentication(key = privateKey): Promise<Record<string, string>> {
  const client_assertion = await new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .setIssuer('app')
    .setSubject('app')
    .setAudience(double.issuer)
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(key)
  const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
  return { client_id: 'app', client_assertion, client_assertion_type }
}

const request = {
  client_id: 'app',
  redirect_uri,
  response_type: 'code',
  scope: 'openid',
  code_challenge,
  code_challenge_method: 'S256',
  state: 's',
  nonce: 'n',
}

async function authorize(params: Record<string, string> = request): Promise<URLSearchParams> {
  const url = `${double.issuer}/authorize?${new URLSearchParams(params)}`
  const page = await createUserAgent().navigate(url, { follow: false })
  expect(page.status).toBe(303)
  return new URL(page.history[0]?.location ?? '').searchParams
}

async function post(path: string, form: Record<string, string>): Promise<Response> {
  return fetch(double.issuer + path, { method: 'POST', body: new URLSearchParams(form) })
}

async function token(form: Record<string, string>, key = privateKey): Promise<Response> {
  return post('/token', { ...(await clientAuthentication(key)), ...form })
}

async function redeem(changes: Record<string, string> = {}): Promise<Response> {
  const code = (await authorize()).get('code') ?? ''
  return token({ grant_type: 'authorization_code', code, redirect_uri, code_verifier, ...changes })
}

function generatePrivateKey(): KeyObject {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // Read anew: on Node 20 a key that is still its generator's can block when it is exported as a JWK
  return createPrivateKey(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))
}

const bodyOf = async (response: Response) => (await response.json()) as Record<string, string>

describe('an honest double', () => {
  test('gives a code, an ID Token that verifies, UserInfo and rotating refresh tokens', async () => {
    const response = await authorize()
    expect(Object.fromEntries(response)).toMatchObject({ state: 's', iss: double.issuer })
    const code = response.get('code') ?? ''
    const form = { grant_type: 'authorization_code', code, redirect_uri, code_verifier }
    const tokens = await bodyOf(await token(form))
    const claims = { iss: double.issuer, aud: 'app', sub: 'alice', nonce: 'n' }
    expect(decodeJwt(tokens['id_token'] ?? '')).toMatchObject(claims)
    expect(await isVerified(tokens['id_token'] ?? '')).toBe(true)
    const headers = { authorization: `Bearer ${tokens['access_token']}` }
    const userinfo = await fetch(`${double.issuer}/userinfo`, { headers })
    expect(await userinfo.json()).toMatchObject({ sub: 'alice', name: 'Alice Adams' })

    const refresh_token = tokens['refresh_token'] ?? ''
    const again = await token({ grant_type: 'refresh_token', refresh_token })
    expect((await bodyOf(again))['refresh_token']).not.toBe(refresh_token)
    const reused = await token({ grant_type: 'refresh_token', refresh_token })
    expect(await reused.json()).toMatchObject({ error: 'invalid_grant' })
    expect((await token(form)).status).toBe(400)
    expect(double.assertions[0]).toMatchObject({ endpoint: 'token', header: { kid: 'k1' } })
  })

  test('refuses a wrong verifier, redirect_uri, signature and a repeated assertion', async () => {
    const other = generatePrivateKey()
    expect(await bodyOf(await redeem({ code_verifier: 'x' }))).toMatchObject({
      error: 'invalid_grant',
    })
    expect(await bodyOf(await redeem({ redirect_uri: 'http://x/' }))).toMatchObject({
      error: 'invalid_grant',
    })
    expect((await token({ grant_type: 'authorization_code' }, other)).status).toBe(401)
    const form = await clientAuthentication()
    expect((await post('/introspect', { ...form, token: 'x' })).status).toBe(200)
    expect((await post('/introspect', { ...form, token: 'x' })).status).toBe(401)
    expect((await post('/token', { client_id: 'app' })).status).toBe(401)
  })

  test('answers with a form that submits itself, where form_post is asked for', async () => {
    const callback = `${double.issuer}/callback`
    const params = { ...request, redirect_uri: callback, response_mode: 'form_post' }
    const url = `${double.issuer}/authorize?${new URLSearchParams(params)}`
    const page = await createUserAgent().navigate(url)
    expect(page.url).toBe(callback)
    expect(double.requests.at(-1)?.form.get('state')).toBe('s')
  })

  test('takes pushed requests once', async () => {
    const pushed = await post('/par', { ...request, ...(await clientAuthentication()) })
    expect(pushed.status).toBe(201)
    const request_uri = (await bodyOf(pushed))['request_uri'] ?? ''
    expect((await authorize({ client_id: 'app', request_uri })).get('state')).toBe('s')
    const url = `${double.issuer}/authorize?${new URLSearchParams({ client_id: 'app', request_uri })}`
    expect((await fetch(url)).status).toBe(400)
  })
})

describe('a double that misbehaves', () => {
  test('changes, breaks, forges or withholds the ID Token', async () => {
    const idToken = async () => (await bodyOf(await redeem()))['id_token'] ?? ''
    double.behave.idToken = { claims: (claims) => ({ ...claims, nonce: undefined, aud: 'x' }) }
    expect(decodeJwt(await idToken())).toMatchObject({ aud: 'x' })
    double.behave.idToken = { corruptSignature: true }
    expect(await isVerified(await idToken())).toBe(false)
    double.behave.idToken = { alg: 'none', kid: false }
    expect(await idToken()).toMatch(/\.$/)
    double.behave.idToken = { alg: 'HS256', key: Buffer.from('secret'), kid: 'other' }
    expect(decodeProtectedHeader(await idToken())).toMatchObject({ alg: 'HS256', kid: 'other' })
    for (const alg of ['PS256', 'ES256', 'EdDSA'] as const) {
      double.behave.idToken = { alg }
      expect(decodeProtectedHeader(await idToken()).alg).toBe(alg)
    }
    double.behave.idToken = { raw: 'rubbish' }
    expect(await idToken()).toBe('rubbish')
    double.behave.idToken = { raw: false }
    expect(await idToken()).toBe('')
  })

  test('rotates its keys just before it signs', async () => {
    const before = double.keys.map(({ publicJwk }) => publicJwk.kid)
    double.behave.rotateBeforeSigning = true
    const { id_token } = await bodyOf(await redeem())
    expect(before).not.toContain(decodeProtectedHeader(id_token ?? '').kid)
    expect(await isVerified(id_token ?? '')).toBe(true)
  })

  test('drops, changes and repeats parameters of the Authentication Response', async () => {
    double.behave.authorize = { state: false, iss: 'http://evil', duplicate: ['code'] }
    const response = await authorize()
    expect(response.has('state')).toBe(false)
    expect(response.get('iss')).toBe('http://evil')
    expect(response.getAll('code')).toHaveLength(2)
    double.behave.authorize = { error: { error: 'access_denied' } }
    expect(Object.fromEntries(await authorize())).toEqual({
      error: 'access_denied',
      state: 's',
      iss: double.issuer,
    })
  })

  test('answers discovery and tokens with whatever it is given', async () => {
    const discovery = () => fetch(`${double.issuer}/.well-known/openid-configuration`)
    double.behave.metadata = (metadata) => ({ ...metadata, issuer: 'http://evil' })
    expect(await (await discovery()).json()).toMatchObject({ issuer: 'http://evil' })
    double.behave.discoveryBody = '<html>sorry</html>'
    expect((await discovery()).headers.get('content-type')).toBe('text/html')
    double.behave.discoveryStatus = 500
    expect((await discovery()).status).toBe(500)
    double.behave.tokenError = { error: 'invalid_client', error_description: 'no' }
    expect((await redeem()).status).toBe(401)
    double.behave.redirect.userinfo = 'http://evil/'
    const userinfo = await fetch(`${double.issuer}/userinfo`, { redirect: 'manual' })
    expect(userinfo.headers.get('location')).toBe('http://evil/')
  })

  test('is slow, hangs, drops connections and goes away', async () => {
    const url = `${double.issuer}/jwks`
    double.behave.delay.jwks = 60
    const events: string[] = []
    const shorter = setTimeout(30).then(() => events.push('half of the delay'))
    await fetch(url)
    events.push('the answer')
    await shorter
    expect(events).toEqual(['half of the delay', 'the answer'])
    double.reset()
    double.behave.hang.jwks = true
    await expect(fetch(url, { signal: AbortSignal.timeout(100) })).rejects.toThrow('timeout')
    double.reset()
    double.behave.drop.jwks = true
    await expect(fetch(url)).rejects.toThrow('fetch failed')
    double.reset()
    await double.pause()
    await expect(fetch(url)).rejects.toThrow('fetch failed')
    await double.resume()
    expect((await fetch(url)).status).toBe(200)
    expect(double.requestsTo('jwks')).toHaveLength(1)
  })
})

/** Whether the published RS256 key verifies the ID Token. */
async function isVerified(jwt: string): Promise<boolean> {
  const { keys } = (await (await fetch(`${double.issuer}/jwks`)).json()) as { keys: JWK[] }
  const key = keys.find(({ kid }) => kid === decodeProtectedHeader(jwt).kid)
  const [header, payload, signature = ''] = jwt.split('.')
  const data = Buffer.from(`${header}.${payload}`)
  const published = createPublicKey({ key: { ...key }, format: 'jwk' })
  return verify('sha256', data, published, Buffer.from(signature, 'base64url'))
}
