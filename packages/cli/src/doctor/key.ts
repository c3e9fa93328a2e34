/**
 * Whether the key is there and signs: loaded, timed, and verified under its own public half.
 *
 * @module
 */

import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Signer } from '@countersign/core'
import { isSignedMethod } from '@countersign/core/inspection'
import { algorithms } from '@countersign/core/keys'
import type { Examination } from './examination.ts'
import { fault, type Problem, type Result, skip } from './finding.ts'
import { describeKeyFailure } from './key-failure.ts'

/** Milliseconds that a signature may take before people notice at every login. */
const slow = 1000
/** Bits that an RSA key must have. @see RFC 7518, 3.3 */
const leastRsa = 2048

/** Loads the key and signs with it. */
export async function examineKey({ inspection, signer }: Examination): Promise<Result> {
  const { clientAuth } = inspection
  if (!isSignedMethod(clientAuth)) return skip(`${clientAuth} needs no key`)
  try {
    const { signer: key, took } = await signer()
    return await examineSigner(key, took)
  } catch (error) {
    return describeKeyFailure(error)
  }
}

async function examineSigner(signer: Signer, took: number): Promise<Result> {
  const { alg, kid } = signer
  const publicKey = createPublicKey({ key: { ...signer.publicJwk }, format: 'jwk' })
  const data = randomBytes(32)
  const started = performance.now()
  const signature = await signer.sign(data)
  const signedIn = performance.now() - started
  const kind = describeKind(publicKey)
  const facts = {
    kid,
    alg,
    key: kind,
    loadedInMilliseconds: Math.round(took),
    signedInMilliseconds: Math.round(signedIn),
  }
  const { digest, parameters } = algorithms[alg]
  if (!verify(digest, data, { key: publicKey, ...parameters }, signature)) {
    const isDer = alg.startsWith('ES') && signature[0] === 0x30
    return fault(
      'broken',
      `the signature of key "${kid}" does not verify under its own public key`,
      {
        means: isDer
          ? 'The signature is DER, and JWS wants r || s: every provider calls it invalid.'
          : 'The key signs with another algorithm, or another key signs: every provider calls it invalid.',
        fix: 'Correct the Signer: sign(data) returns the signature in the form of JWA (RFC 7518, 3).',
      },
      facts,
    )
  }
  const seen = `an ${kind}, loaded in ${round(took)} and signs ${alg} in ${round(signedIn)}`
  return { seen, facts, problems: [...findSmall(publicKey), ...findSlow(signedIn)] }
}

const curves: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}

function describeKind({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const { modulusLength, namedCurve } = asymmetricKeyDetails ?? {}
  if (modulusLength !== undefined) return `RSA key of ${modulusLength} bits`
  if (namedCurve !== undefined) return `EC key on ${curves[namedCurve] ?? namedCurve}`
  return asymmetricKeyType === 'ed25519' ? 'Ed25519 key' : `${asymmetricKeyType} key`
}

function* findSmall({ asymmetricKeyDetails }: KeyObject): Generator<Problem> {
  const { modulusLength } = asymmetricKeyDetails ?? {}
  if (modulusLength === undefined || modulusLength >= leastRsa) return
  yield {
    severity: 'broken',
    means: `An RSA key of ${modulusLength} bits can be broken, and ${leastRsa} is the least.`,
    fix: 'Make a new one: npx countersign keygen.',
  }
}

function* findSlow(milliseconds: number): Generator<Problem> {
  if (milliseconds <= slow) return
  yield {
    severity: 'warning',
    means: `Every login waits ${round(milliseconds)} for it, as every refresh does.`,
    fix: 'Use a key store that is nearer to the app, or look at what slows it down.',
  }
}

function round(milliseconds: number): string {
  return milliseconds < 1000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`
}
