/**
 * Sealed values: JSON that a browser keeps for us and can neither read nor change.
 *
 * The form is a compact JWE (`dir`, `A256GCM`), so that any JOSE library can check it. It is opened
 * with node:crypto and a key that is derived once: synchronous, and several times cheaper than a
 * general JWE implementation on the path of every signed-in request.
 *
 * @module
 */

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'

/** Seals and opens values for one purpose. */
export interface Sealer {
  seal(value: unknown): string
  /** The value, or `undefined` where it was not sealed for this purpose with one of our secrets. */
  open(sealed: string): unknown
}

interface SealingKey {
  readonly key: KeyObject
  /** The encoded protected header. It names the key, so a rotated secret costs no second attempt. */
  readonly header: string
}

const ivLength = 12
const tagLength = 16

/**
 * Creates a sealer. The first secret seals; all of them open.
 *
 * `purpose` separates what is sealed for different uses: a value sealed for one cannot be passed off
 * as another's, since its key is another one. @see RFC 5869, 3.2
 *
 * `remembered` opened values are kept as text: the requests of one page all carry the same cookie, and
 * opening it is most of what a signed-in request costs. Each reader still gets a value of its own.
 */
export function createSealer(
  secrets: readonly string[],
  purpose: string,
  { remembered = 0 }: { readonly remembered?: number } = {},
): Sealer {
  const keys = secrets.map((secret) => deriveKey(secret, purpose))
  const byHeader = new Map(keys.map((entry) => [entry.header, entry.key]))
  const [current] = keys
  if (!current) throw new TypeError('"secrets" must hold a secret')
  const recent = new Map<string, string>()

  function remember(sealed: string, plaintext: string): void {
    if (remembered === 0) return
    const [oldest] = recent.size >= remembered ? recent.keys() : []
    if (oldest !== undefined) recent.delete(oldest)
    recent.set(sealed, plaintext)
  }

  function openText(sealed: string): string | undefined {
    const known = recent.get(sealed)
    if (known !== undefined) return known
    const header = sealed.slice(0, sealed.indexOf('.'))
    const key = byHeader.get(header)
    const plaintext = key && open(key, header, sealed)
    if (plaintext !== undefined) remember(sealed, plaintext)
    return plaintext
  }

  return {
    seal: (value) => seal(current, JSON.stringify(value)),
    open(sealed) {
      const plaintext = openText(sealed)
      return plaintext === undefined ? undefined : JSON.parse(plaintext)
    },
  }
}

function deriveKey(secret: string, purpose: string): SealingKey {
  const bytes = Buffer.from(hkdfSync('sha256', secret, '', `countersign ${purpose}`, 32))
  const kid = createHash('sha256').update(bytes).digest('base64url').slice(0, 8)
  const header = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid }))
  return { key: createSecretKey(bytes), header: header.toString('base64url') }
}

// RFC 7516, 5.1: with "dir" the encrypted key is empty, and the header is the additional data
function seal({ key, header }: SealingKey, plaintext: string): string {
  const iv = randomBytes(ivLength)
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagLength })
  cipher.setAAD(Buffer.from(header, 'latin1'))
  const ciphertext = cipher.update(plaintext, 'utf8', 'base64url') + cipher.final('base64url')
  return `${header}..${iv.toString('base64url')}.${ciphertext}.${cipher.getAuthTag().toString('base64url')}`
}

function open(key: KeyObject, header: string, sealed: string): string | undefined {
  const [, encryptedKey, iv, ciphertext, tag, excess] = sealed.split('.')
  if (encryptedKey !== '' || !iv || !ciphertext || !tag || excess !== undefined) return undefined
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'), {
      authTagLength: tagLength,
    })
    decipher.setAAD(Buffer.from(header, 'latin1'))
    decipher.setAuthTag(Buffer.from(tag, 'base64url'))
    return decipher.update(ciphertext, 'base64url', 'utf8') + decipher.final('utf8')
  } catch {
    return undefined
  }
}
