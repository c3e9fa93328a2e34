/**
 * The JWK Set of a Relying Party, as it is published.
 *
 * @see RFC 7517, 5
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { listNames, mergeSame } from './public-jwk.ts'
import type { PublicJwk } from './signer.ts'

/** A JWK Set ready to be sent. */
export interface JwkSetDocument {
  readonly body: string
  /** A strong entity tag, quotes included. */
  readonly etag: string
}

const publicMembers = new Set(['kty', 'kid', 'alg', 'use', 'n', 'e', 'crv', 'x', 'y'])

/** What has keys to publish. */
export interface Publisher {
  published(): Promise<readonly PublicJwk[]>
}

/**
 * Builds the JWK Set of all that publish keys. A key has one use (RFC 7517, 4.2), and a name is that of one
 * key: what has the name of a key that signs, or is the same key, is left out.
 *
 * @throws TypeError when a source hands out anything but public members
 */
export async function buildJwkSet(publishers: readonly Publisher[]): Promise<JwkSetDocument> {
  const published = (await Promise.all(publishers.map((keys) => keys.published()))).flat()
  for (const key of published) checkPublic(key)
  const signing = new Set(published.filter(({ use }) => use !== 'enc').flatMap(listNames))
  const keys = published.filter(
    (key) => key.use !== 'enc' || !listNames(key).some((name) => signing.has(name)),
  )
  // Several registrations may share a key
  const body = JSON.stringify({ keys: mergeSame(keys) })
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  return { body, etag }
}

function checkPublic(key: PublicJwk): void {
  const other = Object.keys(key).find((name) => !publicMembers.has(name))
  if (other !== undefined) throw new TypeError(`a key source publishes the member "${other}"`)
}
