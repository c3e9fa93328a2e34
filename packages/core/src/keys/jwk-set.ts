/**
 * The JWK Set of a Relying Party, as it is published.
 *
 * @see RFC 7517, 5
 *
 * @module
 */

import { createHash } from 'node:crypto'
import type { KeyRing } from './key-ring.ts'
import type { PublicJwk } from './signer.ts'

/** A JWK Set ready to be sent. */
export interface JwkSetDocument {
  readonly body: string
  /** A strong entity tag, quotes included. */
  readonly etag: string
}

const publicMembers = new Set(['kty', 'kid', 'alg', 'use', 'n', 'e', 'crv', 'x', 'y'])

/**
 * Builds the JWK Set of a key ring.
 *
 * @throws TypeError when a source hands out anything but public members
 */
export async function buildJwkSet(keyRing: Pick<KeyRing, 'published'>): Promise<JwkSetDocument> {
  const keys = await keyRing.published()
  for (const key of keys) checkPublic(key)
  const body = JSON.stringify({ keys })
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`
  return { body, etag }
}

function checkPublic(key: PublicJwk): void {
  const other = Object.keys(key).find((name) => !publicMembers.has(name))
  if (other !== undefined) throw new TypeError(`a key source publishes the member "${other}"`)
}
