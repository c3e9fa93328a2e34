/**
 * Keys that decrypt, and tokens that were encrypted for them.
 *
 * @module
 */

import { createPublicKey, type KeyObject } from 'node:crypto'
import { CompactEncrypt, type CompactJWEHeaderParameters } from 'jose'
import type { ConfigurationIssue } from '../../../src/errors.ts'
import type { OidcEvent } from '../../../src/events.ts'
import type { TimedDecrypter } from '../../../src/keys/decrypter.ts'
import { readDecryptionKey } from '../../../src/keys/decryption-key.ts'
import { collectEvents } from './keys.ts'

/** Reads the option `idToken.decryptionKey`, and asks the sources that could be made for their keys. */
export async function readDecryptionOption(value: unknown): Promise<{
  readonly issues: readonly ConfigurationIssue[]
  readonly keys: readonly TimedDecrypter[]
  readonly events: readonly OidcEvent[]
}> {
  const { events, emit } = collectEvents()
  const { sources, issues } = readDecryptionKey(value, { path: 'idToken.decryptionKey', emit })
  const keys = (await Promise.all(sources.map((source) => source.keys()))).flat()
  return { issues, keys, events }
}

/** The decrypters of a value of the option, which must be good. */
export async function createDecrypters(value: unknown): Promise<readonly TimedDecrypter[]> {
  const { issues, keys } = await readDecryptionOption(value)
  if (issues.length > 0) throw new Error(JSON.stringify(issues))
  return keys
}

/** Encrypts a text for a key's owner. */
export async function encryptFor(
  key: KeyObject,
  header: CompactJWEHeaderParameters,
  text = 'a.signed.token',
): Promise<string> {
  return await new CompactEncrypt(new TextEncoder().encode(text))
    .setProtectedHeader(header)
    .encrypt(key.type === 'private' ? createPublicKey(key) : key)
}
