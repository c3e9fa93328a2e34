/**
 * What every signer must do, wherever its private key is. A key store calls this suite with its own.
 *
 * @module
 */

import type { JwsAlgorithm, Signer } from '@countersign/core/keys'
import { calculateJwkThumbprint, compactVerify, exportJWK, importJWK } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'

/** What is put to the test. */
export interface SignerContract {
  /** What the suite is called. */
  readonly name: string
  readonly algorithms: readonly JwsAlgorithm[]
  /** Creates a signer without an explicit `kid`. */
  create(alg: JwsAlgorithm): Promise<Signer>
  /** Fewer where a signature costs money; 2000 meet a leading zero of r or s in ES256 some fifteen times. */
  readonly signatures?: number
  /** Octets of the longest text that it signs, where it has a limit. */
  longest?(alg: JwsAlgorithm): number
}

/** Octets of a signature, where the algorithm fixes them. @see RFC 7518, 3.4 @see RFC 8037, 3.1 */
const lengths: Partial<Record<JwsAlgorithm, number>> = {
  ES256: 64,
  ES384: 96,
  ES512: 132,
  EdDSA: 64,
  Ed25519: 64,
}

/** Calls the suite. */
export function signerContract(contract: SignerContract): void {
  const { name, algorithms, create, signatures } = contract
  describe.each(algorithms)(`${name} with %s`, (alg) => {
    let signer: Signer
    beforeAll(async () => {
      signer = await create(alg)
    })

    test('its signatures verify under its public JWK, and are in the form of JWA', async () => {
      const key = await importJWK({ ...signer.publicJwk }, alg)
      const count = alg === 'ES256' ? (signatures ?? 2000) : Math.min(signatures ?? 20, 20)
      for (let index = 0; index < count; index++) {
        const { jws, signature } = await signText(signer, `payload ${index}`)
        await compactVerify(jws, key, { algorithms: [alg] })
        const length = lengths[alg]
        if (length !== undefined) expect(signature).toHaveLength(length)
      }
    }, 60_000)

    test('a signature does not verify over other data', async () => {
      const key = await importJWK({ ...signer.publicJwk }, alg)
      const { jws } = await signText(signer, 'one')
      const [header, , signature] = jws.split('.')
      const other = `${header}.${encode('two')}.${signature}`
      await expect(compactVerify(other, key)).rejects.toMatchObject({
        code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
      })
    })

    test('it names its algorithm and is named by its thumbprint', async () => {
      expect(signer.alg).toBe(alg)
      expect(signer.hasExplicitKid).toBe(false)
      expect(signer.kid).toBe(await calculateJwkThumbprint({ ...signer.publicJwk }))
    })

    test('its public JWK holds the public members of its type and nothing else', async () => {
      const { kty } = signer.publicJwk
      const members = {
        RSA: ['e', 'kty', 'n'],
        EC: ['crv', 'kty', 'x', 'y'],
        OKP: ['crv', 'kty', 'x'],
      }
      expect(Object.keys(signer.publicJwk).sort()).toEqual(members[kty])
      const key = await importJWK({ ...signer.publicJwk }, alg)
      if (key instanceof Uint8Array) throw new TypeError('a symmetric key')
      expect(await exportJWK(key)).toEqual(signer.publicJwk)
    })

    test('it signs many things at a time, and mixes none of them up', async () => {
      const key = await importJWK({ ...signer.publicJwk }, alg)
      const texts = Array.from({ length: 16 }, (_, index) => `concurrent ${index}`)
      const signed = await Promise.all(texts.map((text) => signText(signer, text)))
      const verified = await Promise.all(signed.map(({ jws }) => compactVerify(jws, key)))
      expect(verified.map(({ payload }) => new TextDecoder().decode(payload))).toEqual(texts)
    })

    test('it signs nothing, and much', async () => {
      const key = await importJWK({ ...signer.publicJwk }, alg)
      const longest = contract.longest?.(alg) ?? 10_000
      for (const text of ['', 'x'.repeat(longest)]) {
        const { jws } = await signText(signer, text)
        await expect(compactVerify(jws, key)).resolves.toBeDefined()
      }
    })

    test('an aborted signal is honoured with an error of ours', async () => {
      const signal = AbortSignal.abort(new Error('enough'))
      await expect(signer.sign(Buffer.from('x'), { signal })).rejects.toMatchObject({
        name: 'KeyError',
        code: expect.stringMatching(/^ERR_(?:SIGN|KEY_UNAVAILABLE)$/),
        kid: signer.kid,
        message: expect.stringContaining('abort'),
      })
    })

    test('a signal that aborts while it signs is honoured', async () => {
      const controller = new AbortController()
      const signing = signer.sign(Buffer.from('x'), { signal: controller.signal })
      // What signs at once has signed before anybody can abort
      if (await Promise.race([signing, undefined])) return
      controller.abort()
      await expect(signing).rejects.toMatchObject({ name: 'KeyError' })
    })

    test('after an abort it signs again', async () => {
      const { jws } = await signText(signer, 'again')
      const key = await importJWK({ ...signer.publicJwk }, alg)
      await expect(compactVerify(jws, key)).resolves.toBeDefined()
    })
  })
}

async function signText(
  signer: Signer,
  text: string,
): Promise<{ readonly jws: string; readonly signature: Uint8Array }> {
  const input = `${encode(JSON.stringify({ alg: signer.alg }))}.${encode(text)}`
  const signature = await signer.sign(Buffer.from(input, 'ascii'))
  return { jws: `${input}.${Buffer.from(signature).toString('base64url')}`, signature }
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url')
}
