/**
 * A compact JWS, signed with the key whose time it is.
 *
 * @module
 */

import { KeyError, type KeyErrorReason } from '../errors.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Signer } from '../keys/signer.ts'
import { type SigningInput, signJws } from './sign.ts'

/** What is to be signed: built for the very key that signs it, whose `kid` and `alg` are in the header. */
export type BuildSigningInput = (signer: Signer) => Pick<SigningInput, 'header' | 'payload'>

/** Why a key is gone that a key store has handed out: another one may be there by now. */
const gone: readonly (KeyErrorReason | undefined)[] = ['disabled', 'not-found', 'bad-signature']

/**
 * Signs with the current key. If it turns out that the key store has taken it away, another one that is
 * there signs instead, once: nothing was sent so far.
 *
 * @throws KeyError
 */
export async function signCurrent({
  keyRing,
  build,
  signal,
}: {
  readonly keyRing: Pick<KeyRing, 'current'>
  readonly build: BuildSigningInput
  readonly signal: AbortSignal
}): Promise<{ readonly jws: string; readonly signer: Signer }> {
  const sign = async (signer: Signer) => ({
    jws: await signJws({ signer, ...build(signer), signal }),
    signer,
  })
  const signer = await keyRing.current({ signal })
  try {
    return await sign(signer)
  } catch (error) {
    if (!(error instanceof KeyError && gone.includes(error.reason))) throw error
    const next = await keyRing.current({ instead: signer, signal }).catch(() => {
      throw error
    })
    return await sign(next)
  }
}
