/**
 * Encrypted tokens: finds the key that a compact JWE is for, and decrypts it.
 *
 * @see RFC 7516, 5.2
 *
 * @module
 */

import { decodeProtectedHeader, type ProtectedHeaderParameters } from 'jose'
import { actInTime, waitUntilAborted } from '../base/abort.ts'
import { isObject } from '../base/objects.ts'
import { KeyError, TokenValidationError } from '../errors.ts'
import type { Decrypter } from '../keys/decrypter.ts'
import type { DecryptionRing } from '../keys/decryption-ring.ts'
import { contentEncryptionAlgorithms, isJweAlgorithm } from '../keys/jwe-algorithms.ts'

/** How many keys are tried for a token that names none: a private key's work is not free. */
const maxAttempts = 4
/** How long one key may take. Milliseconds. */
const patience = 5_000

/** What each kind of token is called, and the code of one that cannot be decrypted. */
const kinds = {
  id_token: { name: 'the ID Token', code: 'ERR_ID_TOKEN' },
  userinfo: { name: 'UserInfo', code: 'ERR_ID_TOKEN' },
  logout_token: { name: 'the Logout Token', code: 'ERR_LOGOUT_TOKEN' },
} as const

/** Whether a token is a JWE in its compact form, by its number of parts. @see RFC 7516, 9 */
export function isCompactJwe(token: string): boolean {
  return token.split('.', 6).length === 5
}

/**
 * Decrypts a compact JWE.
 *
 * Whatever is wrong with it, it is refused with the same words: who sends forged tokens learns nothing
 * from them (RFC 7516, 11.5).
 *
 * @throws TokenValidationError `ERR_ID_TOKEN`, `ERR_LOGOUT_TOKEN`
 * @throws KeyError when there is no key that may decrypt
 */
export async function decryptJwe(
  jwe: string,
  keys: Pick<DecryptionRing, 'usable'>,
  tokenKind: TokenValidationError['tokenKind'],
): Promise<string> {
  const decrypters = await keys.usable()
  const header = readHeader(jwe)
  for (const decrypter of header ? findFitting(header, decrypters) : []) {
    const plaintext = await tryDecrypt(decrypter, jwe)
    if (plaintext) return new TextDecoder().decode(plaintext)
  }
  const { name, code } = kinds[tokenKind]
  throw new TokenValidationError(
    code,
    `${name} cannot be decrypted: it was encrypted for another key than those of ` +
      '"idToken.decryptionKey", with an algorithm that is not accepted, or was changed on its way',
    { tokenKind, reason: 'invalid' },
  )
}

/** Reads the header, which nobody has authenticated yet; `undefined` of one that is not accepted. */
function readHeader(jwe: string): ProtectedHeaderParameters | undefined {
  let header: ProtectedHeaderParameters
  try {
    header = decodeProtectedHeader(jwe)
  } catch {
    return undefined
  }
  // RFC 8725, 3.6: a compressed text tells of itself by its length, and a small one may become large
  const isPlain = header['zip'] === undefined && header.crit === undefined
  return isPlain && contentEncryptionAlgorithms.includes(header.enc ?? '') ? header : undefined
}

/** The keys that fit: the one that is named, or some to try. */
function findFitting(
  { alg, kid, epk }: ProtectedHeaderParameters,
  decrypters: readonly Decrypter[],
): readonly Decrypter[] {
  // RFC 8725, 3.1: which algorithms there are is not for the token to say
  if (!isJweAlgorithm(alg)) return []
  return decrypters
    .filter(({ algs }) => algs.includes(alg))
    .filter((decrypter) => kid === undefined || decrypter.kid === kid)
    .filter(({ publicJwk }) => !isObject(epk) || epk['crv'] === publicJwk.crv)
    .slice(0, maxAttempts)
}

async function tryDecrypt(decrypter: Decrypter, jwe: string): Promise<Uint8Array | undefined> {
  try {
    return await actInTime({ milliseconds: patience }, (signal) =>
      waitUntilAborted(decrypter.decrypt(jwe, { signal }), signal),
    )
  } catch (error) {
    if (error instanceof KeyError) throw error
    if (!(error instanceof DOMException && error.name === 'TimeoutError')) return undefined
    const { kid } = decrypter
    const message = `key "${kid}" did not decrypt in time`
    throw new KeyError('ERR_KEY_UNAVAILABLE', message, { kid, reason: 'timeout' })
  }
}
