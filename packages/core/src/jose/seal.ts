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
import { keepNewest } from '../base/newest.ts'

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
  /** The same as additional data. @see RFC 7516, 5.1 */
  readonly aad: Buffer
}

const ivLength = 12
const ivText = 16
const tagText = 22
const gcm = { authTagLength: 16 } as const

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
  const byHeader = new Map(keys.map((entry) => [entry.header, entry]))
  const [current] = keys
  if (!current) throw new TypeError('"secrets" must hold a secret')
  const recent = new Map<string, { readonly sealed: string; readonly plaintext: string }>()

  function remember(tag: string, sealed: string, plaintext: string): void {
    if (remembered === 0) return
    keepNewest(recent, [tag, { sealed, plaintext }], remembered)
  }

  function openText(sealed: string): string | undefined {
    // Found by its tag, which is quicker to look for; it is known only if it is the same to the letter
    const tag = sealed.slice(-tagText)
    const known = recent.get(tag)
    if (known?.sealed === sealed) return known.plaintext
    const key = byHeader.get(sealed.slice(0, sealed.indexOf('.')))
    const plaintext = key && open(key, sealed)
    if (plaintext !== undefined) remember(tag, sealed, plaintext)
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
  const protectedHeader = JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid })
  const header = Buffer.from(protectedHeader).toString('base64url')
  return { key: createSecretKey(bytes), header, aad: Buffer.from(header, 'latin1') }
}

// RFC 7516, 5.1: with "dir" the encrypted key is empty, and the header is the additional data
function seal({ key, header, aad }: SealingKey, plaintext: string): string {
  const iv = randomBytes(ivLength)
  const cipher = createCipheriv('aes-256-gcm', key, iv, gcm)
  cipher.setAAD(aad)
  const ciphertext = cipher.update(plaintext, 'utf8', 'base64url') + cipher.final('base64url')
  return `${header}..${iv.toString('base64url')}.${ciphertext}.${cipher.getAuthTag().toString('base64url')}`
}

/** header, no encrypted key, iv, ciphertext, tag: all but the ciphertext have one length. */
function open({ key, header, aad }: SealingKey, sealed: string): string | undefined {
  const iv = header.length + 2
  const ciphertext = iv + ivText + 1
  const tag = sealed.length - tagText
  if (tag <= ciphertext || [iv - 1, ciphertext - 1, tag - 1].some((dot) => sealed[dot] !== '.')) {
    return undefined
  }
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, decode(sealed, iv, ivText), gcm)
    decipher.setAAD(aad)
    decipher.setAuthTag(decode(sealed, tag, tagText))
    const plaintext = decipher.update(decode(sealed, ciphertext, tag - 1 - ciphertext))
    // Throws unless the tag is right: nothing is read before
    decipher.final()
    return plaintext.toString('utf8')
  } catch {
    return undefined
  }
}

function decode(sealed: string, start: number, length: number): Buffer {
  return Buffer.from(sealed.slice(start, start + length), 'base64url')
}
