import { generateKeyPairSync } from 'node:crypto'
import { compactVerify, importJWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { KeyError } from '../../src/errors.ts'
import { signJws } from '../../src/jose/sign.ts'
import { createLocalSigner } from '../../src/keys/local-signer.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { detach } from '../keys/support/keys.ts'

const key = detach(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const signer = createLocalSigner({ key, alg: 'ES256', kid: 'k' })
const rsa = detach(generateKeyPairSync('rsa', { modulusLength: 2048 }))
const rsaSigner = createLocalSigner({ key: rsa, alg: 'RS256', kid: 'r' })
const header = { alg: 'ES256', kid: 'k' }
const payload = { iss: 'me', text: 'ünïcode' }

test('a payload is signed into a compact JWS that a JOSE library verifies', async () => {
  const jws = await signJws({ signer, header, payload })
  const publicKey = await importJWK({ ...signer.publicJwk }, 'ES256')
  const verified = await compactVerify(jws, publicKey)
  expect(verified.protectedHeader).toEqual(header)
  expect(JSON.parse(new TextDecoder().decode(verified.payload))).toEqual(payload)
})

test('an Ed25519 key signs under either name', async () => {
  const privateKey = detach(generateKeyPairSync('ed25519'))
  const signer = createLocalSigner({ key: privateKey, alg: 'EdDSA' })
  const publicKey = await importJWK({ ...signer.publicJwk }, 'EdDSA')
  for (const alg of ['EdDSA', 'Ed25519']) {
    const jws = await signJws({ signer, header: { alg }, payload })
    expect((await compactVerify(jws, publicKey)).protectedHeader.alg).toBe(alg)
  }
})

describe('a signature that does not verify is not let out', () => {
  const other = createLocalSigner({
    key: detach(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
    alg: 'ES256',
  })
  const message = 'the signature of key "k" does not verify as "ES256" under its public half'

  test.each<[string, Partial<Signer>]>([
    ['of another version of the key', { publicJwk: other.publicJwk }],
    ['of nothing', { sign: async () => new Uint8Array() }],
    ['of zeros', { sign: async () => new Uint8Array(64) }],
    ['of other data', { sign: async () => signer.sign(Buffer.from('other')) }],
    ['under a public half that is none', { publicJwk: { kty: 'EC', crv: 'P-256', x: '', y: '' } }],
    ['that is not octets', { sign: async () => JSON.parse('{}') }],
  ])('%s', async (_, changed) => {
    const signing = signJws({ signer: { ...signer, ...changed }, header, payload })
    await expect(signing).rejects.toMatchObject({
      name: 'KeyError',
      code: 'ERR_SIGN',
      kid: 'k',
      message,
    })
  })

  test('in DER, as most key stores give it', async () => {
    const { createSign } = await import('node:crypto')
    const sign = async (data: Uint8Array) => createSign('sha256').update(data).sign(key)
    const signing = signJws({ signer: { ...signer, sign }, header, payload })
    await expect(signing).rejects.toMatchObject({ code: 'ERR_SIGN', message })
  })

  test.each(['RS384', 'PS256', 'ES256', 'none', 'HS256', 'toString'])(
    'with a header that says "%s" of an RS256 signature',
    async (alg) => {
      const signing = signJws({ signer: rsaSigner, header: { alg }, payload })
      await expect(signing).rejects.toMatchObject({
        code: 'ERR_SIGN',
        message: `the signature of key "r" does not verify as "${alg}" under its public half`,
      })
    },
  )
})

describe('a signer that fails', () => {
  test('is told from a provider that fails: whatever it throws becomes an error of ours', async () => {
    const cause = new TypeError('fetch failed')
    const sign = () => Promise.reject(cause)
    const signing = signJws({ signer: { ...signer, sign }, header, payload })
    await expect(signing).rejects.toMatchObject({
      name: 'KeyError',
      code: 'ERR_SIGN',
      message: 'key "k" could not sign',
      cause,
    })
  })

  test('is heard also when it throws at once', async () => {
    const sign = () => {
      throw new Error('at once')
    }
    await expect(signJws({ signer: { ...signer, sign }, header, payload })).rejects.toMatchObject({
      code: 'ERR_SIGN',
      message: 'key "k" could not sign',
    })
  })

  test('with an error of ours is left to say it', async () => {
    const error = new KeyError('ERR_KEY_UNAVAILABLE', 'throttled')
    const sign = () => Promise.reject(error)
    await expect(signJws({ signer: { ...signer, sign }, header, payload })).rejects.toBe(error)
  })
})

describe('a signal', () => {
  test('that is aborted lets nothing be signed', async () => {
    const reason = new DOMException('too late', 'TimeoutError')
    const signing = signJws({ signer, header, payload, signal: AbortSignal.abort(reason) })
    await expect(signing).rejects.toMatchObject({
      name: 'KeyError',
      code: 'ERR_SIGN',
      message: 'key "k" did not sign in time',
      cause: reason,
    })
  })

  test('ends the wait for a signer that does not listen', async () => {
    const sign = () => new Promise<never>(() => {})
    const controller = new AbortController()
    const { signal } = controller
    const signing = signJws({ signer: { ...signer, sign }, header, payload, signal })
    controller.abort()
    await expect(signing).rejects.toMatchObject({
      code: 'ERR_SIGN',
      message: 'key "k" did not sign in time',
    })
  })

  test('is handed to the signer, and not kept afterwards', async () => {
    const seen: unknown[] = []
    const { signal } = new AbortController()
    const watched: Signer = {
      ...signer,
      sign(data, options) {
        seen.push(options?.signal)
        return signer.sign(data, options)
      },
    }
    await signJws({ signer: watched, header, payload, signal })
    expect(seen).toEqual([signal])
    const { EventEmitter } = await import('node:events')
    expect(EventEmitter.getEventListeners(signal, 'abort')).toEqual([])
  })
})
