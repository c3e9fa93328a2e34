import { createPublicKey } from 'node:crypto'
import { presets } from '@countersign/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GeneratedClientKey, generateClientKey, type Provider } from '../src/index.ts'
import { redirectUri } from './app.ts'
import { type Emulated, startEmulated } from './emulated.ts'

const { auth0, jiko } = presets

/** How the first request of an app ends: with a code that nobody has, once the client is known. */
const known = { error: 'invalid_grant' }

function exportPem({ publicJwk }: GeneratedClientKey): string {
  const key = createPublicKey({ key: { ...publicJwk }, format: 'jwk' })
  return key.export({ type: 'spki', format: 'pem' }).toString()
}

function lastRefusal({ refusals }: Provider) {
  const { rule, message } = refusals.at(-1) ?? {}
  return { rule, message }
}

describe('Auth0, where a PEM is registered', () => {
  let app: Emulated
  let signer: GeneratedClientKey
  beforeAll(async () => {
    signer = await generateClientKey('RS256')
    app = await startEmulated(auth0, { publicKey: exportPem(signer) })
  })
  afterAll(() => app.provider.close())

  test('accepts an assertion that names no key', async () => {
    const response = await app.send('token', { signer, header: { kid: undefined } })
    expect(await response.json()).toMatchObject(known)
  })

  test.each([
    ['its thumbprint', () => signer.kid],
    ['a name of the app’s own', () => 'login-2027'],
  ])('refuses one that names the key by %s', async (_name, readKid) => {
    const kid = readKid()
    const response = await app.send('token', { signer, header: { kid } })
    expect(response.status).toBe(401)
    expect(lastRefusal(app.provider)).toEqual({
      rule: 'kid',
      message: `"kid" must be a name that the provider gave: there is none, and it is "${kid}"`,
    })
  })

  test('refuses one that lasts longer than five minutes', async () => {
    const exp = Math.floor(Date.now() / 1000) + 400
    const response = await app.send('token', { signer, claims: { exp } })
    expect(response.status).toBe(401)
    expect(lastRefusal(app.provider).rule).toBe('lifetime')
  })

  test('keeps two keys, and no third', async () => {
    const publicKey = await Promise.all(
      ['one', 'two', 'three'].map(async () => exportPem(await generateClientKey('RS256'))),
    )
    const client = { clientId: 'other', redirectUris: [redirectUri] }
    await expect(app.provider.addClient({ ...client, publicKey })).rejects.toThrow(
      'Auth0 keeps 2 keys of a client at once, and there are 3',
    )
    await app.provider.addClient({ ...client, publicKey: publicKey.slice(1) })
  })
})

describe('Jiko, where a PEM is registered', () => {
  let app: Emulated
  let signer: GeneratedClientKey
  beforeAll(async () => {
    signer = await generateClientKey('PS256')
    app = await startEmulated(jiko, { publicKey: exportPem(signer) })
  })
  afterAll(() => app.provider.close())

  test('accepts an assertion that is right, once', async () => {
    const jws = await app.sign('token', { signer })
    expect(await (await app.send('token', { jws })).json()).toMatchObject(known)
    expect((await app.send('token', { jws })).status).toBe(401)
    expect(lastRefusal(app.provider).rule).toBe('jti_once')
  })

  test('accepts a "jti" of one client that another has used', async () => {
    await app.provider.addClient({
      clientId: 'other',
      publicKey: exportPem(signer),
      redirectUris: [redirectUri],
    })
    const jti = 'the-same'
    const own = { signer, claims: { jti } }
    const others = {
      signer,
      claims: { iss: 'other', sub: 'other', jti },
      form: { client_id: 'other' },
    }
    expect(await (await app.send('token', own)).json()).toMatchObject(known)
    expect(await (await app.send('token', others)).json()).toMatchObject(known)
    expect((await app.send('token', others)).status).toBe(401)
    expect(lastRefusal(app.provider).rule).toBe('jti_once')
  })

  test.each([
    ['a "kid"', 'kid', { header: { kid: 'login' } }],
    ['no "typ"', 'typ', { header: { typ: undefined } }],
    ['no "jti"', 'jti', { claims: { jti: undefined } }],
    ['no "iat"', 'iat', { claims: { iat: undefined } }],
    ['no "client_id" in the form', 'client_id', { form: { client_id: undefined } }],
  ])('refuses one with %s', async (_name, rule, fault) => {
    const response = await app.send('token', { signer, ...fault })
    expect(response.status).toBe(401)
    expect(lastRefusal(app.provider).rule).toBe(rule)
  })
})
