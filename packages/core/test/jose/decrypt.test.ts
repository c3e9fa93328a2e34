import { CompactEncrypt } from 'jose'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { KeyError } from '../../src/errors.ts'
import { decryptJwe, isCompactJwe } from '../../src/jose/decrypt.ts'
import type { Decrypter } from '../../src/keys/decrypter.ts'
import { createDecrypters, encryptFor } from '../keys/support/decryption.ts'
import { generateEc, generateRsa } from '../keys/support/keys.ts'

afterEach(() => void vi.useRealTimers())

const ec = generateEc()
const rsa = generateRsa()
const refusal = {
  code: 'ERR_ID_TOKEN',
  message:
    'the ID Token cannot be decrypted: it was encrypted for another key than those of ' +
    '"idToken.decryptionKey", with an algorithm that is not accepted, or was changed on its way',
  tokenKind: 'id_token',
  reason: 'invalid',
}

const ring = (...decrypters: readonly Decrypter[]) => ({ usable: async () => decrypters })

async function openKeys(value: unknown) {
  return ring(...(await createDecrypters(value)).map(({ decrypter }) => decrypter))
}

/** A decrypter that never succeeds, and counts. */
function createDeaf(kid: string) {
  const decrypt = vi.fn<Decrypter['decrypt']>(() => Promise.reject(new Error('no')))
  const publicJwk = { kty: 'RSA' } as const
  const decrypter: Decrypter = { kid, publicJwk, algs: ['RSA-OAEP'], decrypt }
  return { decrypt, decrypter }
}

describe('the key', () => {
  test('is the one that the header names', async () => {
    const keys = await openKeys([
      { key: generateEc(), kid: 'other' },
      { key: ec, kid: 'mine' },
    ])
    const jwe = await encryptFor(ec, { alg: 'ECDH-ES', enc: 'A256GCM', kid: 'mine' }, 'text')
    expect(await decryptJwe(jwe, keys, 'id_token')).toBe('text')
    const misnamed = await encryptFor(ec, { alg: 'ECDH-ES', enc: 'A256GCM', kid: 'other' })
    await expect(decryptJwe(misnamed, keys, 'id_token')).rejects.toMatchObject(refusal)
    const unknown = await encryptFor(ec, { alg: 'ECDH-ES', enc: 'A256GCM', kid: 'unknown' })
    await expect(decryptJwe(unknown, keys, 'id_token')).rejects.toMatchObject(refusal)
  })

  test('is found by trying, where the header names none', async () => {
    const keys = await openKeys([generateEc(), generateEc('P-384'), rsa, ec])
    const jwe = await encryptFor(ec, { alg: 'ECDH-ES+A256KW', enc: 'A128GCM' }, 'text')
    expect(await decryptJwe(jwe, keys, 'id_token')).toBe('text')
  })

  test('is tried for, but not for ever', async () => {
    const deaf = ['a', 'b', 'c', 'd', 'e', 'f'].map(createDeaf)
    const jwe = await encryptFor(rsa, { alg: 'RSA-OAEP', enc: 'A128GCM' })
    const keys = ring(...deaf.map(({ decrypter }) => decrypter))
    await expect(decryptJwe(jwe, keys, 'id_token')).rejects.toMatchObject(refusal)
    expect(deaf.map(({ decrypt }) => decrypt.mock.calls.length)).toEqual([1, 1, 1, 1, 0, 0])
  })

  test('that cannot be had is not the fault of the token', async () => {
    const { decrypt, decrypter } = createDeaf('a')
    const error = new KeyError('ERR_KEY_UNAVAILABLE', 'the vault is sealed')
    decrypt.mockRejectedValue(error)
    const jwe = await encryptFor(rsa, { alg: 'RSA-OAEP', enc: 'A128GCM' })
    await expect(decryptJwe(jwe, ring(decrypter), 'id_token')).rejects.toBe(error)
  })

  test('that does not answer is waited for 5 seconds', async () => {
    const { decrypt, decrypter } = createDeaf('a')
    decrypt.mockReturnValue(new Promise(() => undefined))
    const jwe = await encryptFor(rsa, { alg: 'RSA-OAEP', enc: 'A128GCM' })
    vi.useFakeTimers()
    const settled = vi.fn()
    const decrypting = decryptJwe(jwe, ring(decrypter), 'id_token').catch(settled)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(settled).not.toHaveBeenCalled()
    expect(decrypt.mock.calls[0]?.[1]?.signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await decrypting
    expect(settled.mock.calls[0]?.[0]).toMatchObject({
      code: 'ERR_KEY_UNAVAILABLE',
      message: 'key "a" did not decrypt in time',
      reason: 'timeout',
    })
    expect(decrypt.mock.calls[0]?.[1]?.signal?.aborted).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('with one and the same words is refused', () => {
  const good = () => encryptFor(ec, { alg: 'ECDH-ES+A256KW', enc: 'A128CBC-HS256' })
  const withSecret = (alg: string, octets: number) =>
    new CompactEncrypt(Buffer.from('text'))
      .setProtectedHeader({ alg, enc: 'A256GCM' })
      .encrypt(new Uint8Array(octets))

  /** The token with one of its parts changed. */
  const change = async (index: number, to: (part: string) => string) =>
    (await good())
      .split('.')
      .map((part, at) => (at === index ? to(part) : part))
      .join('.')
  const flip = (part: string) => (part.startsWith('A') ? `B${part.slice(1)}` : `A${part.slice(1)}`)
  const rewrite = (members: object) => (part: string) => {
    const header: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return Buffer.from(JSON.stringify(Object.assign({}, header, members))).toString('base64url')
  }

  test.each<[string, () => Promise<string>]>([
    ['a token for another key', () => encryptFor(generateEc(), { alg: 'ECDH-ES', enc: 'A256GCM' })],
    ['another header', () => change(0, rewrite({ typ: 'JWT' }))],
    ['another encrypted key', () => change(1, flip)],
    ['another initialization vector', () => change(2, flip)],
    ['another ciphertext', () => change(3, flip)],
    ['another tag', () => change(4, flip)],
    ['no tag', () => change(4, () => '')],
    ['no header', () => change(0, () => '')],
    ['a header that is no JSON', () => change(0, () => 'AAAA')],
    ['RSA1_5', () => change(0, rewrite({ alg: 'RSA1_5' }))],
    ['dir', () => withSecret('dir', 32)],
    ['A256KW', () => withSecret('A256KW', 32)],
    ['"alg": none', () => change(0, rewrite({ alg: 'none' }))],
    ['an algorithm that is no text', () => change(0, rewrite({ alg: ['ECDH-ES'] }))],
    ['A192GCM', () => encryptFor(ec, { alg: 'ECDH-ES', enc: 'A192GCM' })],
    [
      'compressed content',
      () => encryptFor(ec, { alg: 'ECDH-ES', enc: 'A256GCM', zip: 'DEF' }, 'x'.repeat(1000)),
    ],
    ['a critical header', () => change(0, rewrite({ crit: ['x'], x: 1 }))],
    [
      'an ephemeral key on another curve',
      () => change(0, rewrite({ epk: { kty: 'EC', crv: 'P-384' } })),
    ],
    ['an ephemeral key that is none', () => change(0, rewrite({ epk: 'x' }))],
  ])('%s', async (_name, build) => {
    const keys = await openKeys([ec, rsa])
    const jwe = await build()
    const error: unknown = await decryptJwe(jwe, keys, 'id_token').catch((fault: unknown) => fault)
    expect(error).toMatchObject(refusal)
    expect(error).not.toHaveProperty('cause')
    expect(await decryptJwe(await good(), keys, 'id_token')).toBe('a.signed.token')
  })
})

test.each([
  { alg: 'RSA-OAEP', enc: 'A192GCM' },
  { alg: 'RSA-OAEP', enc: 'A128GCM', zip: 'DEF' },
  { alg: 'RSA-OAEP', enc: 'A128GCM', crit: ['x'], x: 1 },
  { alg: 'RSA-OAEP-256', enc: 'A128GCM' },
  { alg: 'RSA-OAEP' },
])('a header that is not accepted reaches no key, wherever that is: %j', async (header) => {
  const { decrypt, decrypter } = createDeaf('a')
  const jwe = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.AA.AA.AA.AA`
  await expect(decryptJwe(jwe, ring(decrypter), 'userinfo')).rejects.toMatchObject({
    code: 'ERR_ID_TOKEN',
    message: expect.stringMatching(/^UserInfo cannot be decrypted/),
    tokenKind: 'userinfo',
  })
  expect(decrypt).not.toHaveBeenCalled()
})

describe('a key', () => {
  const buildJwe = (header: object) =>
    `${Buffer.from(JSON.stringify(header)).toString('base64url')}.AA.AA.AA.AA`

  test('on another curve than the ephemeral key is not asked', async () => {
    const [onCurve, other] = [createDeaf('a'), createDeaf('b')]
    const algs = ['ECDH-ES'] as const
    const keys = ring(
      { ...onCurve.decrypter, algs, publicJwk: { kty: 'EC', crv: 'P-256' } },
      { ...other.decrypter, algs, publicJwk: { kty: 'EC', crv: 'P-384' } },
    )
    const jwe = buildJwe({ alg: 'ECDH-ES', enc: 'A128GCM', epk: { kty: 'EC', crv: 'P-256' } })
    await expect(decryptJwe(jwe, keys, 'id_token')).rejects.toMatchObject(refusal)
    expect(onCurve.decrypt).toHaveBeenCalledOnce()
    expect(other.decrypt).not.toHaveBeenCalled()
  })

  test.each(['RSA1_5', 'dir', 'A256KW'])(
    'is not asked for %s, whatever it says that it takes',
    async (alg) => {
      const { decrypt, decrypter } = createDeaf('a')
      const keys = ring({ ...decrypter, algs: [alg as never] })
      const jwe = buildJwe({ alg, enc: 'A128GCM' })
      await expect(decryptJwe(jwe, keys, 'id_token')).rejects.toMatchObject(refusal)
      expect(decrypt).not.toHaveBeenCalled()
    },
  )
})

test('a compact JWE has five parts', () => {
  expect(['a.b.c.d.e', 'a.b.c', 'a.b.c.d', 'a.b.c.d.e.f', ''].map(isCompactJwe)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ])
})
