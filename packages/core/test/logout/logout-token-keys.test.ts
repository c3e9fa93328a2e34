/**
 * Whose signature a Logout Token must have, and when the provider is asked for keys.
 *
 * @network loopback
 */

import type { KeyObject } from 'node:crypto'
import * as client from 'openid-client'
import { describe, expect, test } from 'vitest'
import { KeyError } from '../../src/errors.ts'
import { verifySecretSignature } from '../../src/login/id-token.ts'
import { readLogoutToken } from '../../src/logout/logout-token.ts'
import { createDecrypters, encryptFor } from '../keys/support/decryption.ts'
import { generateEc, generateEd25519, generateRsa } from '../keys/support/keys.ts'
import { buildClaims, now, publish, sign, startProvider } from './support/provider.ts'

const rsa = generateRsa()
const ec = generateEc()
const badSignature = {
  code: 'ERR_LOGOUT_TOKEN',
  message: 'the signature of the Logout Token is not valid',
}

describe('the algorithm', () => {
  const metadata = {
    id_token_signing_alg_values_supported: [
      ...['none', 'HS256', 'RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519', 'X256'],
    ],
  }

  test.each<[string, KeyObject]>([
    ['RS256', rsa],
    ['PS256', rsa],
    ['ES256', ec],
    ['ES384', generateEc('P-384')],
    ['EdDSA', generateEd25519()],
    ['Ed25519', generateEd25519()],
  ])('may be %s, if the provider has it', async (alg, key) => {
    const { issuer, settings } = await startProvider({ keys: [publish(key)], metadata })
    const token = await sign(key, { alg }, buildClaims(issuer))
    expect(await readLogoutToken(settings, token)).toMatchObject({ sub: 'alice' })
  })

  test.each(['RS384', 'HS256', 'none', 'X256', '__proto__'])(
    'is not %s, whatever the metadata has',
    async (alg) => {
      const { issuer, settings, requests } = await startProvider({ keys: [publish(rsa)], metadata })
      const [, ...rest] = (await sign(rsa, { alg: 'RS256' }, buildClaims(issuer))).split('.')
      const header = Buffer.from(JSON.stringify({ alg })).toString('base64url')
      await expect(readLogoutToken(settings, [header, ...rest].join('.'))).rejects.toMatchObject({
        code: 'ERR_LOGOUT_TOKEN',
      })
      expect(requests.filter((url) => url === '/jwks')).toHaveLength(alg === 'X256' ? 1 : 0)
    },
  )

  test('is that of "idToken.alg", where it is set: another key of the provider does not do', async () => {
    const keys = [publish(rsa, { kid: 'rsa' }), publish(ec, { kid: 'ec' })]
    const strict = await startProvider({ keys, metadata, idTokenAlgs: ['RS256'] })
    const token = await sign(ec, { alg: 'ES256', kid: 'ec' }, buildClaims(strict.issuer))
    await expect(readLogoutToken(strict.settings, token)).rejects.toMatchObject({
      code: 'ERR_LOGOUT_TOKEN',
      message: 'the "alg" of the Logout Token is "ES256", and of ID Tokens it is RS256',
    })
    expect(strict.requests).not.toContain('/jwks')
  })
})

describe('the key', () => {
  test('is found by trying, among some that are of no use', async () => {
    const keys = [
      ...[generateEc('secp256k1'), generateEc(), generateEd25519(), generateEc('secp256k1'), ec],
    ].map((key) => publish(key))
    const strange = [
      { kty: 'OKP', crv: 'X25519', x: 'AA' },
      { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' },
      { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA' },
      { kty: 'oct', k: 'AA' },
      { kty: 'EC', crv: 'P-256', key_ops: 'verify' },
      {},
    ]
    const { issuer, settings } = await startProvider({
      keys: [...strange, ...keys],
      metadata: { id_token_signing_alg_values_supported: ['ES256'] },
    })
    const token = await sign(ec, { alg: 'ES256' }, buildClaims(issuer))
    expect(await readLogoutToken(settings, token)).toMatchObject({ sub: 'alice' })
  })

  test('is found among others with the same name', async () => {
    const keys = [generateEc(), ec, rsa, generateEc('secp256k1')].map((key) =>
      publish(key, { kid: 'same' }),
    )
    const { issuer, settings } = await startProvider({
      keys,
      metadata: { id_token_signing_alg_values_supported: ['ES256'] },
    })
    const token = await sign(ec, { alg: 'ES256', kid: 'same' }, buildClaims(issuer))
    expect(await readLogoutToken(settings, token)).toMatchObject({ sub: 'alice' })
  })

  test('is not tried for for ever', async () => {
    const keys = Array.from({ length: 8 }, () => publish(generateEc()))
    const { issuer, settings } = await startProvider({
      keys: [...keys, publish(ec)],
      metadata: { id_token_signing_alg_values_supported: ['ES256'] },
    })
    const token = await sign(ec, { alg: 'ES256' }, buildClaims(issuer))
    await expect(readLogoutToken(settings, token)).rejects.toMatchObject(badSignature)
  })

  test.each<[string, object]>([
    ['is for encryption', { use: 'enc' }],
    ['is for another algorithm', { alg: 'PS256' }],
    ['is for signing only', { key_ops: ['sign'] }],
    ['cannot be read', { e: 5 }],
  ])('is not one that %s', async (_name, more) => {
    const { issuer, settings } = await startProvider({ keys: [publish(rsa, more)] })
    const token = await sign(rsa, { alg: 'RS256' }, buildClaims(issuer))
    await expect(readLogoutToken(settings, token)).rejects.toMatchObject(badSignature)
  })
})

describe('the keys are fetched', () => {
  test('once, for logins too', async () => {
    const keys = [publish(rsa)]
    const { issuer, provider, settings, requests } = await startProvider({ keys })
    const token = await sign(rsa, { alg: 'RS256' }, buildClaims(issuer))
    await Promise.all([1, 2, 3].map(() => readLogoutToken(settings, token)))
    await readLogoutToken(settings, token)
    expect(client.getJwksCache(await provider.configuration())?.jwks).toEqual({ keys })
    expect(requests).toEqual(['/.well-known/openid-configuration', '/jwks'])
  })

  test.each([{ kid: 'new' }, {}])('again when the provider has a new one: %o', async (name) => {
    const op = await startProvider({ keys: [publish(generateRsa(3072), { kid: 'old' })] })
    const { issuer, settings } = op
    const old = await sign(generateRsa(3072), { alg: 'RS256', kid: 'old' }, buildClaims(issuer))
    await readLogoutToken(settings, old)
    op.keys = [publish(rsa, name)]
    const token = await sign(rsa, { alg: 'RS256', ...name }, buildClaims(issuer))
    expect(await readLogoutToken(settings, token)).toMatchObject({ sub: 'alice' })
    expect(op.requests.filter((url) => url === '/jwks')).toHaveLength(2)
  })

  test('again when they are five minutes old, and those that are known do while it is away', async () => {
    const clock = { time: now, now: () => clock.time }
    const op = await startProvider({ keys: [publish(rsa)], clock })
    const { issuer, settings } = op
    const token = await sign(rsa, { alg: 'RS256' }, buildClaims(issuer, { exp: now + 600 }))
    await readLogoutToken(settings, token)
    clock.time += 300
    op.isDown = true
    expect(await readLogoutToken(settings, token)).toMatchObject({ sub: 'alice' })
    expect(op.events.at(-1)).toMatchObject({ type: 'jwks.failed', stale: true })
    expect(op.requests.filter((url) => url === '/jwks')).toHaveLength(2)
  })

  test('once by many forged tokens at once; those with a key that is known are not held up', async () => {
    const op = await startProvider({ keys: [publish(rsa, { kid: 'one' })] })
    const { issuer, settings, requests } = op
    const token = await sign(rsa, { alg: 'RS256', kid: 'one' }, buildClaims(issuer))
    await readLogoutToken(settings, token)
    const forged = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        sign(generateRsa(3072), { alg: 'RS256', kid: `x${index}` }, buildClaims(issuer)),
      ),
    )
    let answer = () => {}
    op.held = new Promise((resolve) => {
      answer = resolve
    })
    const attack = forged.map((forgery) =>
      expect(readLogoutToken(settings, forgery)).rejects.toMatchObject(badSignature),
    )
    expect(await readLogoutToken(settings, token)).toMatchObject({ sub: 'alice' })
    answer()
    await Promise.all(attack)
    expect(requests.filter((url) => url === '/jwks')).toHaveLength(2)
  })

  test('not again for a signature that is wrong under the key it names', async () => {
    const { issuer, settings, requests } = await startProvider({
      keys: [publish(rsa, { kid: 'one' })],
    })
    await readLogoutToken(
      settings,
      await sign(rsa, { alg: 'RS256', kid: 'one' }, buildClaims(issuer)),
    )
    const forged = await sign(generateRsa(3072), { alg: 'RS256', kid: 'one' }, buildClaims(issuer))
    await expect(readLogoutToken(settings, forged)).rejects.toMatchObject(badSignature)
    expect(requests.filter((url) => url === '/jwks')).toHaveLength(1)
  })

  test('not twice for a token that is the first one', async () => {
    const { issuer, settings, requests } = await startProvider({
      keys: [publish(rsa, { kid: 'one' })],
    })
    const forged = await sign(rsa, { alg: 'RS256', kid: 'two' }, buildClaims(issuer))
    await expect(readLogoutToken(settings, forged)).rejects.toMatchObject(badSignature)
    expect(requests.filter((url) => url === '/jwks')).toHaveLength(1)
  })

  test('in vain, and the provider may send the token again: 503, not 400', async () => {
    const op = await startProvider({ keys: [publish(rsa)] })
    const { issuer, settings } = op
    const token = await sign(rsa, { alg: 'RS256' }, buildClaims(issuer))
    await settings.provider.metadata()
    op.isDown = true
    await expect(readLogoutToken(settings, token)).rejects.toMatchObject({
      name: 'ProviderError',
      status: 503,
    })
    op.isDown = false
    expect(await readLogoutToken(settings, token)).toMatchObject({ sub: 'alice' })
  })
})

describe('where tokens are encrypted', () => {
  const encryptionKey = generateEc()
  const start = async () => {
    const { issuer, settings, requests } = await startProvider({ keys: [publish(rsa)] })
    const decrypters = (await createDecrypters(encryptionKey)).map(({ decrypter }) => decrypter)
    const token = await sign(rsa, { alg: 'RS256' }, buildClaims(issuer))
    const decryptionRing = { usable: async () => decrypters }
    return { token, requests, settings: { ...settings, decryptionRing } }
  }
  const header = { alg: 'ECDH-ES', enc: 'A128GCM', cty: 'JWT' }

  test('one that is encrypted for this client is read', async () => {
    const { token, settings } = await start()
    const jwe = await encryptFor(encryptionKey, header, token)
    expect(await readLogoutToken(settings, jwe)).toMatchObject({ sub: 'alice' })
  })

  test('one that is not encrypted is refused', async () => {
    const { token, settings, requests } = await start()
    await expect(readLogoutToken(settings, token)).rejects.toMatchObject({
      code: 'ERR_LOGOUT_TOKEN',
      message: expect.stringContaining('the Logout Token is not encrypted'),
    })
    expect(requests).toEqual([])
  })

  test('one that is encrypted for another key is refused', async () => {
    const { token, settings } = await start()
    const jwe = await encryptFor(generateEc(), header, token)
    await expect(readLogoutToken(settings, jwe)).rejects.toMatchObject({
      code: 'ERR_LOGOUT_TOKEN',
      status: 400,
      tokenKind: 'logout_token',
      message: expect.stringContaining('the Logout Token cannot be decrypted'),
    })
  })

  test('what is inside has to be signed: anybody can encrypt', async () => {
    const { token, settings } = await start()
    const [, claims = ''] = token.split('.')
    const unsigned = Buffer.from('{"alg":"none"}').toString('base64url')
    const nested = await encryptFor(encryptionKey, header, token)
    for (const text of [
      Buffer.from(claims, 'base64url').toString(),
      `${unsigned}.${claims}.`,
      nested,
    ]) {
      const jwe = await encryptFor(encryptionKey, header, text)
      await expect(readLogoutToken(settings, jwe)).rejects.toMatchObject({
        code: 'ERR_LOGOUT_TOKEN',
      })
    }
  })

  test('a key that cannot be had is not the fault of the token', async () => {
    const { token, settings } = await start()
    const jwe = await encryptFor(encryptionKey, header, token)
    const decryptionRing = { usable: () => Promise.reject(new KeyError('ERR_NO_KEY', 'none')) }
    await expect(readLogoutToken({ ...settings, decryptionRing }, jwe)).rejects.toMatchObject({
      code: 'ERR_NO_KEY',
      status: 503,
    })
  })
})

describe('where ID Tokens are signed with the client secret', () => {
  const secret = 'a-secret-of-at-least-thirty-two-bytes'
  const encode = (text: string) => new TextEncoder().encode(text)
  const start = async () => {
    const op = await startProvider({ keys: [publish(rsa)], idTokenAlgs: ['HS256'] })
    const verify = (token: string) => verifySecretSignature(token, secret, ['HS256'])
    return { ...op, settings: { ...op.settings, verifySecretSignature: verify } }
  }

  test('Logout Tokens are, too, and no keys are fetched', async () => {
    const { issuer, settings, requests } = await start()
    const token = await sign(encode(secret), { alg: 'HS256' }, buildClaims(issuer))
    expect(await readLogoutToken(settings, token)).toMatchObject({ sub: 'alice' })
    expect(requests).toEqual([])
  })

  test('another secret, another algorithm and a key of the provider are refused', async () => {
    const { issuer, settings } = await start()
    const claims = buildClaims(issuer)
    const wrong = [
      await sign(encode(`${secret}!`), { alg: 'HS256' }, claims),
      await sign(encode(`${secret}${secret}`), { alg: 'HS512' }, claims),
      await sign(rsa, { alg: 'RS256' }, claims),
    ]
    for (const token of wrong) {
      await expect(readLogoutToken(settings, token)).rejects.toMatchObject(badSignature)
    }
  })
})
