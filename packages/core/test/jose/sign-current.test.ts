import { decodeProtectedHeader } from 'jose'
import { describe, expect, test, vi } from 'vitest'
import { KeyError, type KeyErrorReason } from '../../src/errors.ts'
import { signCurrent } from '../../src/jose/sign-current.ts'
import { createLocalSigner } from '../../src/keys/local-signer.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { generateEc } from '../keys/support/keys.ts'

const signer = (kid: string) => createLocalSigner({ key: generateEc(), alg: 'ES256', kid })
const [old, next] = [signer('old'), signer('next')]

const failing = (reason: KeyErrorReason): Signer => ({
  ...old,
  sign: () => Promise.reject(new KeyError('ERR_SIGN', reason, { reason })),
})

function signWith(...signers: Signer[]) {
  const current = vi.fn(async () => {
    const signer = signers.shift()
    if (!signer) throw new KeyError('ERR_NO_KEY', 'no key may sign')
    return signer
  })
  const build = ({ kid, alg }: Signer) => ({ header: { alg, kid }, payload: {} })
  const { signal } = new AbortController()
  return { current, signal, result: signCurrent({ keyRing: { current }, build, signal }) }
}

describe('the current key signs', () => {
  test('once asked for, until the signal', async () => {
    const { current, signal, result } = signWith(old)
    const { jws, signer } = await result
    expect(signer).toBe(old)
    expect(decodeProtectedHeader(jws)).toEqual({ alg: 'ES256', kid: 'old' })
    expect(current.mock.calls).toEqual([[{ signal }]])
  })

  test.each(['disabled', 'not-found', 'bad-signature'] as const)(
    'and if it is gone (%s) the one that is there now does, under its own name',
    async (reason) => {
      const { current, signal, result } = signWith(failing(reason), next)
      const { jws, signer } = await result
      expect(signer).toBe(next)
      expect(decodeProtectedHeader(jws).kid).toBe('next')
      expect(current.mock.calls).toEqual([
        [{ signal }],
        [{ instead: expect.objectContaining({ kid: 'old' }), signal }],
      ])
    },
  )

  test('and a store that returns another signature is found out, and asked for its keys anew', async () => {
    const swapped = { ...old, sign: next.sign }
    expect((await signWith(swapped, next).result).signer).toBe(next)
    await expect(signWith(swapped).result).rejects.toMatchObject({
      code: 'ERR_SIGN',
      reason: 'bad-signature',
    })
  })
})

describe('it fails', () => {
  test.each(['throttled', 'unavailable', 'timeout', 'denied', 'credentials'] as const)(
    'at once where another key would not help: %s',
    async (reason) => {
      const { current, result } = signWith(failing(reason), next)
      await expect(result).rejects.toMatchObject({ reason })
      expect(current).toHaveBeenCalledOnce()
    },
  )

  test('with the first error when there is no other key', async () => {
    const { current, result } = signWith(failing('disabled'))
    await expect(result).rejects.toMatchObject({ reason: 'disabled' })
    expect(current).toHaveBeenCalledTimes(2)
  })

  test('with the error of the second key, and asks for no third', async () => {
    const { current, result } = signWith(failing('disabled'), failing('not-found'), next)
    await expect(result).rejects.toMatchObject({ reason: 'not-found' })
    expect(current).toHaveBeenCalledTimes(2)
  })
})
