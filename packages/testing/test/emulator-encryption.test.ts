import { type Preset, presets } from '@countersign/core'
import { compactDecrypt, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose'
import { afterEach, expect, test } from 'vitest'
import { findEncryption } from '../src/emulated-responses.ts'
import { generateClientKey } from '../src/index.ts'
import { type Emulated, startEmulated } from './emulated.ts'
import { authorize, redeem } from './emulated-login.ts'

const { itsme, 'france-connect': connect, 'france-connect-plus': connectPlus, criipto } = presets
const pairs = {
  RSA: await generateKeyPair('RSA-OAEP-256', { extractable: true }),
  EC: await generateKeyPair('ECDH-ES', { extractable: true }),
}
const signers = { RS256: await generateClientKey('RS256'), ES256: await generateClientKey('ES256') }
const nonce = 'x'.repeat(22)

const closing: Emulated[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map(({ provider }) => provider.close()))
})

/** Signs in, with a key to encrypt for or without, and reads UserInfo. */
async function signIn(preset: Preset, alg: string, params: Record<string, string>) {
  const signer = signers[preset.assertion?.algs[0] === 'RS256' ? 'RS256' : 'ES256']
  const pair = pairs[alg.startsWith('RSA') ? 'RSA' : 'EC']
  const encryption = {
    ...(await exportJWK(pair.publicKey)),
    use: 'enc',
    kid: 'for-encryption',
    alg,
  }
  // A set of keys, for forms of registration that are published: nobody has to fetch it here
  const taking: Preset = { ...preset, registration: { ...preset.registration, forms: ['jwks'] } }
  const emulated = await startEmulated(taking, { jwks: { keys: [signer.publicJwk, encryption] } })
  closing.push(emulated)
  const { response } = await authorize(emulated, { nonce, ...params })
  const fault = { signer, header: { kid: signer.kid } }
  const tokens = await redeem(emulated, response.get('code') ?? '', fault)
  const authorization = `Bearer ${tokens['access_token']}`
  const userInfo = await fetch(`${emulated.provider.issuer}/userinfo`, {
    headers: { authorization },
  })
  expect(userInfo.headers.get('content-type')).toMatch(/^application\/jwt/)
  expect(emulated.provider.refusals).toEqual([])
  return { pair, idToken: tokens['id_token'] ?? '', userInfo: await userInfo.text() }
}

async function decrypt(jwe: string, { privateKey }: Awaited<ReturnType<typeof generateKeyPair>>) {
  const { plaintext, protectedHeader } = await compactDecrypt(jwe, privateKey)
  return { jws: new TextDecoder().decode(plaintext), header: protectedHeader }
}

test.each(['ECDH-ES', 'RSA-OAEP-256'])(
  'FranceConnect+ encrypts ID Tokens by %s with A256GCM, and signs UserInfo',
  async (alg) => {
    const { pair, idToken, userInfo } = await signIn(connectPlus, alg, { acr_values: 'eidas2' })
    const { jws, header } = await decrypt(idToken, pair)
    expect(header).toMatchObject({ alg, enc: 'A256GCM', kid: 'for-encryption' })
    expect(decodeProtectedHeader(jws)).toMatchObject({ alg: 'ES256' })
    expect(decodeProtectedHeader(userInfo)).toMatchObject({ alg: 'ES256' })
    expect(decodeJwt(userInfo)).toMatchObject({ sub: 'ada', aud: 'app' })
  },
)

test('FranceConnect signs UserInfo', async () => {
  const { idToken, userInfo } = await signIn(connect, 'RSA-OAEP-256', { acr_values: 'eidas1' })
  expect(decodeJwt(idToken)).toMatchObject({ sub: 'ada' })
  expect(decodeJwt(userInfo)).toMatchObject({ sub: 'ada', aud: 'app' })
})

test('itsme encrypts ID Tokens and UserInfo, once they are signed', async () => {
  const { pair, idToken, userInfo } = await signIn(itsme, 'RSA-OAEP-256', {
    scope: 'openid service:A',
  })
  for (const jwe of [idToken, userInfo]) {
    const { jws, header } = await decrypt(jwe, pair)
    expect(header).toMatchObject({ alg: 'RSA-OAEP-256' })
    expect(decodeProtectedHeader(jws)).toMatchObject({ alg: 'RS256' })
    expect(decodeJwt(jws)).toMatchObject({ sub: 'ada', aud: 'app' })
  }
})

const rsa = { kty: 'RSA', use: 'enc' }
const ec = { kty: 'EC', use: 'enc' }

test.each<[string, Preset, object, object | undefined]>([
  ['an RSA key', itsme, rsa, { alg: 'RSA-OAEP' }],
  ['no other than an RSA key', itsme, ec, undefined],
  ['the algorithm of the key', itsme, { ...rsa, alg: 'RSA-OAEP-256' }, { alg: 'RSA-OAEP-256' }],
  ['an EC key', connectPlus, ec, { alg: 'ECDH-ES', enc: 'A256GCM' }],
  ['no algorithm of the key’s alone', connectPlus, { ...ec, alg: 'ECDH-ES+A256KW' }, undefined],
  ['what the key says, where no document does', criipto, { ...rsa, alg: 'A' }, { alg: 'A' }],
  ['something usual, where nobody says anything', criipto, ec, { alg: 'ECDH-ES+A256KW' }],
  ['no key that signs', criipto, { kty: 'RSA', use: 'sig' }, undefined],
])('encrypts for %s', (_name, preset, key, expected) => {
  expect(findEncryption([{ kty: 'RSA' }, key as typeof rsa], preset)).toEqual(expected)
})

test('a key that does not fit is refused with the algorithms that do', async () => {
  const preset: Preset = { ...itsme, registration: { forms: ['jwks'], where: 'a portal' } }
  const emulated = await startEmulated(preset, { jwks: signers.RS256.jwks })
  closing.push(emulated)
  const fault = { signer: signers.RS256, header: { kid: signers.RS256.kid } }
  expect((await emulated.send('token', fault)).status).toBe(401)
  expect(emulated.provider.refusals).toMatchObject([
    {
      rule: 'encryption_key',
      message:
        'ID Tokens are encrypted, and the JWK Set of the client has no key with "use": "enc" for ' +
        'RSA-OAEP, RSA-OAEP-256',
    },
  ])
  // Where no ID Token is given out, none is encrypted
  expect((await emulated.send('introspection', fault)).status).toBe(200)
  expect((await emulated.send('revocation', fault)).status).toBe(200)
  const pushed = await emulated.send('pushed_authorization_request', fault)
  expect(await pushed.json()).not.toMatchObject({ error: 'invalid_client' })
  expect(emulated.provider.refusals.filter(({ rule }) => rule === 'encryption_key')).toHaveLength(1)
})
