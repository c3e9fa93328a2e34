/**
 * Private keys, made for one test run, and the search for what must not get out of them.
 *
 * @module
 */

import { createPrivateKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto'
import { expect } from 'vitest'
import { type ConfigurationIssue, OidcError } from '../../../src/errors.ts'
import type { OidcEvent } from '../../../src/events.ts'
import { readClientKey } from '../../../src/keys/client-key.ts'
import type { TimedSigner } from '../../../src/keys/signer.ts'
import { createSigning } from '../../../src/keys/signing-keys.ts'

/** What client keys are read for. */
export const signing: ReturnType<typeof createSigning> = createSigning('RS256')

/**
 * Reads a generated key anew. On Node 20 a key that is still its generator's can block for ever when it
 * is exported as a JWK.
 */
export const detach = ({ privateKey }: { readonly privateKey: KeyObject }): KeyObject =>
  createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))

/** Generates an elliptic-curve key. */
export const generateEc = (namedCurve = 'P-256'): KeyObject =>
  detach(generateKeyPairSync('ec', { namedCurve }))

const rsaKeys = new Map<number, KeyObject>()

/** Generates an RSA key; one of each size for a whole file, since it takes long. */
export function generateRsa(modulusLength = 2048): KeyObject {
  const known = rsaKeys.get(modulusLength)
  if (known) return known
  const privateKey = detach(generateKeyPairSync('rsa', { modulusLength }))
  rsaKeys.set(modulusLength, privateKey)
  return privateKey
}

/** Generates an Ed25519 key. */
export const generateEd25519 = (): KeyObject => detach(generateKeyPairSync('ed25519'))

/** A key as PKCS#8 in PEM. */
export const toPem = (key: KeyObject): string =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString()

/** A key as a private JWK. */
export const toJwk = (key: KeyObject): JsonWebKey => key.export({ format: 'jwk' })

/** What must not get out of an input: its runs of 10 characters that are no words of ours. */
export function expectNothingOf(input: string, output: unknown): void {
  const seen = describe(output)
  const body = input.replace(/-----[A-Z0-9 ]+-----/g, '\n')
  for (const [run] of body.matchAll(/[A-Za-z0-9+/_=-]{10,}/g)) {
    for (let start = 0; start + 10 <= run.length; start++) {
      const part = run.slice(start, start + 10)
      if (seen.includes(part)) expect.unreachable(`${part} is in ${seen}`)
    }
  }
}

/** All that an error or an event shows, hidden properties included. */
function describe(value: unknown, depth = 0): string {
  if (!(value instanceof Error)) return JSON.stringify(value) ?? String(value)
  const { name, message, stack, cause } = value
  const own = Object.getOwnPropertyNames(value).map((key) => String(Reflect.get(value, key)))
  return [name, message, stack, ...own, depth < 5 ? describe(cause, depth + 1) : ''].join('\n')
}

/** Calls what must fail with an error of ours, and returns the error. */
export function catchFault(read: () => unknown): OidcError {
  try {
    read()
  } catch (error) {
    if (error instanceof OidcError) return error
    throw error
  }
  return expect.unreachable('nothing was thrown')
}

/** Reads the option `clientKey`, and asks the sources that could be made for their keys. */
export async function readOption(value: unknown): Promise<{
  readonly issues: readonly ConfigurationIssue[]
  readonly keys: readonly TimedSigner[]
  readonly events: readonly OidcEvent[]
}> {
  const { events, emit } = collectEvents()
  const context = { path: 'clientKey', defaultRsaAlg: 'RS256' as const, emit }
  const { sources, issues } = readClientKey(value, context)
  const keys = (await Promise.all(sources.map((source) => source.keys()))).flat()
  return { issues, keys, events }
}

/** Collects events. */
export function collectEvents(): { readonly events: OidcEvent[]; emit(event: OidcEvent): void } {
  const events: OidcEvent[] = []
  return { events, emit: (event) => events.push(event) }
}
