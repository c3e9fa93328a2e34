/**
 * The double's own keys, and ID Tokens signed rightly or wrongly.
 *
 * @module
 */

import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign,
} from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, type JWK, type JWTPayload } from 'jose'
import type { DoubleAlgorithm, IdTokenBehaviour } from './behaviour.ts'

/** One signing key of the double. */
export interface SigningKey {
  readonly alg: Exclude<DoubleAlgorithm, 'none' | 'HS256'>
  readonly privateKey: KeyObject
  readonly publicJwk: JWK & { readonly kid: string }
}

const generate = promisify(generateKeyPair)
const rsa = () => generate('rsa', { modulusLength: 2048 })

/** Generates one key for each algorithm. */
export async function generateSigningKeys(): Promise<readonly SigningKey[]> {
  return Promise.all([
    buildKey('RS256', rsa()),
    buildKey('PS256', rsa()),
    buildKey('ES256', generate('ec', { namedCurve: 'P-256' })),
    buildKey('EdDSA', generate('ed25519', {})),
  ])
}

async function buildKey(
  alg: SigningKey['alg'],
  generated: Promise<{ readonly privateKey: KeyObject; readonly publicKey: KeyObject }>,
): Promise<SigningKey> {
  // Read anew: on Node 20 a key that is still its generator's can block when it is exported as a JWK
  const pem = (await generated).privateKey.export({ type: 'pkcs8', format: 'pem' })
  const privateKey = createPrivateKey(pem)
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK
  const kid = await calculateJwkThumbprint(jwk)
  return { alg, privateKey, publicJwk: { ...jwk, kid, alg, use: 'sig' } }
}

/** Signs an ID Token, with everything that is to be wrong with it. */
export function signIdToken(
  honestClaims: JWTPayload,
  keys: readonly SigningKey[],
  behaviour: IdTokenBehaviour,
): string {
  if (typeof behaviour.raw === 'string') return behaviour.raw
  const alg = behaviour.alg ?? 'RS256'
  const own = keys.find((key) => key.alg === alg)
  const kid = behaviour.kid ?? own?.publicJwk.kid
  const honestHeader = { alg, typ: 'JWT', ...(kid === undefined || kid === false ? {} : { kid }) }
  const header = behaviour.header?.(honestHeader) ?? honestHeader
  const claims = behaviour.claims?.({ ...honestClaims }) ?? honestClaims
  const input = `${encode(header)}.${encode(claims)}`
  const signature = signBytes(alg, Buffer.from(input), behaviour.key ?? own?.privateKey)
  const sent = behaviour.corruptSignature ? signature.map((byte) => byte ^ 0xff) : signature
  return `${input}.${Buffer.from(sent).toString('base64url')}`
}

function signBytes(
  alg: DoubleAlgorithm,
  data: Buffer,
  key: KeyObject | Uint8Array | undefined,
): Buffer {
  if (alg === 'none') return Buffer.alloc(0)
  if (key === undefined) throw new TypeError(`no key for ${alg}; give one in "idToken.key"`)
  if (alg === 'HS256') return createHmac('sha256', key).update(data).digest()
  const privateKey = key instanceof Uint8Array ? createPrivateKey(Buffer.from(key)) : key
  switch (alg) {
    case 'RS256':
      return sign('sha256', data, privateKey)
    case 'PS256':
      return sign('sha256', data, {
        key: privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: 32,
      })
    case 'ES256':
      return sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    case 'EdDSA':
      return sign(null, data, privateKey)
    default:
      throw new TypeError(`"${alg}" is not an algorithm of the double`)
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
