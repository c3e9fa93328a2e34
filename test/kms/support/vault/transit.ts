/**
 * The Transit engine of an emulated Vault: keys, their versions, and signatures with the defaults of the
 * real one.
 *
 * @see https://developer.hashicorp.com/vault/api-docs/secret/transit
 *
 * @module
 */

import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import type { JwsAlgorithm } from '@countersign/core/keys'
import { encodeDerSignature, signDigest } from '../digest-signature.ts'

export type Json = Readonly<Record<string, unknown>>

/** What is answered. */
export interface Answer {
  readonly status: number
  readonly body?: Json
}

interface Key {
  readonly name: string
  readonly type: string
  readonly derived: boolean
  readonly versions: { readonly key: KeyObject; readonly made: string }[]
  minEncryption: number
  minDecryption: number
  deletionAllowed: boolean
}

/** An engine at one mount. */
export interface Transit {
  readonly keys: Map<string, Key>
  handle(method: string, path: string, body: Json): Answer
}

const generators: Readonly<Record<string, () => KeyObject>> = {
  'rsa-2048': () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  'rsa-3072': () => generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey,
  'ecdsa-p256': () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  'ecdsa-p384': () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
  'ecdsa-p521': () => generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
  ed25519: () => generateKeyPairSync('ed25519').privateKey,
  'aes256-gcm96': () => generateKeyPairSync('ed25519').privateKey,
}

/** Creates an engine without keys. */
export function createTransit(): Transit {
  const keys = new Map<string, Key>()
  return {
    keys,
    handle(method, path, body) {
      const [action = '', name = '', verb, ...rest] = path.split('/')
      if (name === '' || rest.length > 0) return refuse(404, 'unsupported path')
      const key = keys.get(name)
      if (action === 'sign' && method === 'POST' && verb === undefined) return signWith(key, body)
      if (action !== 'keys') return refuse(404, 'unsupported path')
      if (verb === 'rotate') return key ? rotate(key) : refuse(400, 'key not found')
      if (verb === 'config') return key ? configure(key, body) : refuse(400, 'no existing key')
      if (method === 'GET') return key ? describe(key) : { status: 404, body: { errors: [] } }
      if (method === 'DELETE') return remove(keys, name)
      if (key) return describe(key)
      const made = createKey(name, body)
      keys.set(name, made)
      return describe(made)
    },
  }
}

/** An answer that says no. */
export function refuse(status: number, ...errors: readonly string[]): Answer {
  return { status, body: { errors } }
}

/** How the real one writes an error of the key itself: as its own failure. */
function fail(text: string): Answer {
  return refuse(500, `1 error occurred:\n\t* ${text}\n\n`)
}

function createKey(name: string, { type = 'aes256-gcm96', derived = false }: Json): Key {
  const key: Key = {
    name,
    type: String(type),
    derived: derived === true,
    versions: [],
    minEncryption: 0,
    minDecryption: 1,
    deletionAllowed: false,
  }
  rotate(key)
  return key
}

function rotate(key: Key): Answer {
  const generate = generators[key.type]
  if (!generate) return refuse(400, `unknown key type ${key.type}`)
  // A key that was just generated is read again: Node 20 may wait for ever to export it as a JWK
  const pem = generate().export({ type: 'pkcs8', format: 'pem' })
  // As Go writes it, to the nanosecond
  const made = new Date().toISOString().replace('Z', '123456Z')
  key.versions.push({ key: createPrivateKey(pem), made })
  return describe(key)
}

function configure(key: Key, body: Json): Answer {
  if (typeof body['min_encryption_version'] === 'number') {
    key.minEncryption = body['min_encryption_version']
  }
  if (typeof body['min_decryption_version'] === 'number') {
    key.minDecryption = body['min_decryption_version']
  }
  if (body['deletion_allowed'] === true) key.deletionAllowed = true
  return describe(key)
}

function remove(keys: Map<string, Key>, name: string): Answer {
  const key = keys.get(name)
  if (!key?.deletionAllowed) return refuse(400, 'deletion is not allowed for this key')
  keys.delete(name)
  return { status: 204 }
}

function describe({ name, type, derived, versions, ...key }: Key): Answer {
  const canSign = type !== 'aes256-gcm96'
  const entries = versions.flatMap(({ key: own, made }, index) => {
    if (index + 1 < key.minDecryption) return []
    const entry = {
      certificate_chain: '',
      creation_time: made,
      name: type,
      public_key: derived ? '' : encodePublic(own),
    }
    return [[`${index + 1}`, canSign ? entry : Math.floor(Date.parse(made) / 1000)] as const]
  })
  const data = {
    name,
    type,
    derived,
    soft_deleted: false,
    deletion_allowed: key.deletionAllowed,
    latest_version: versions.length,
    min_available_version: 0,
    min_decryption_version: key.minDecryption,
    min_encryption_version: key.minEncryption,
    supports_signing: canSign,
    keys: Object.fromEntries(entries),
  }
  return { status: 200, body: { lease_id: '', lease_duration: 0, renewable: false, data } }
}

function encodePublic(key: KeyObject): string {
  const publicKey = createPublicKey(key)
  if (key.asymmetricKeyType !== 'ed25519') {
    return publicKey.export({ type: 'spki', format: 'pem' }).toString()
  }
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
}

const bits: Readonly<Record<string, string>> = {
  'sha2-256': '256',
  'sha2-384': '384',
  'sha2-512': '512',
}

function signWith(key: Key | undefined, body: Json): Answer {
  const hash = String(body['hash_algorithm'] ?? 'sha2-256')
  const size = bits[hash]
  if (size === undefined) return refuse(400, `invalid hash algorithm "${hash}"`)
  const marshaling = body['marshaling_algorithm'] ?? 'asn1'
  if (marshaling !== 'asn1' && marshaling !== 'jws') return refuse(400, 'invalid marshaling type')
  if (!key) return refuse(400, 'signing key not found')
  if (key.type === 'aes256-gcm96') {
    return refuse(400, `key type ${key.type} does not support signing`)
  }
  const latest = key.versions.length
  const number = Number(body['key_version'] ?? 0) || latest
  if (number > latest) {
    return fail('requested version for signing is higher than the latest key version')
  }
  if (number < key.minEncryption) {
    return fail('requested version for signing is less than the minimum encryption key version')
  }
  const version = key.versions[number - 1]
  if (!version || number < key.minDecryption) return fail('no such key version')
  const input = Buffer.from(String(body['input'] ?? ''), 'base64')
  const signature = signInput(version.key, input, { ...body, size })
  if (!signature) return fail('crypto/rsa: input must be hashed message')
  const isEc = version.key.asymmetricKeyType === 'ec'
  const text =
    marshaling === 'jws'
      ? signature.toString('base64url')
      : (isEc ? encodeDerSignature(signature) : signature).toString('base64')
  const data = { signature: `vault:v${number}:${text}`, key_version: number }
  return { status: 200, body: { lease_id: '', data } }
}

const curves: Readonly<Record<string, JwsAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

function signInput(
  key: KeyObject,
  input: Buffer,
  options: Json & { readonly size: string },
): Buffer | undefined {
  const {
    size,
    prehashed,
    signature_algorithm: padding = 'pss',
    salt_length: salt = 'auto',
  } = options
  if (key.asymmetricKeyType === 'ed25519') return sign(null, input, key)
  const digest = prehashed === true ? input : createHash(`sha${size}`).update(input).digest()
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  if (namedCurve !== undefined) {
    // Of any digest as much is signed as the curve takes
    const alg = curves[namedCurve]
    return alg && digest.length * 8 === Number(alg.slice(2))
      ? signDigest(alg, digest, key)
      : undefined
  }
  if (digest.length * 8 !== Number(size) || modulusLength < 2048) return undefined
  if (padding === 'pkcs1v15') return signDigest(readAlg(`RS${size}`), digest, key)
  if (salt === 'hash') return signDigest(readAlg(`PS${size}`), digest, key)
  if (prehashed === true) return undefined
  // The longest salt that there is room for
  const saltLength = constants.RSA_PSS_SALTLEN_MAX_SIGN
  return sign(`sha${size}`, input, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
}

const rsaAlgs: readonly JwsAlgorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']

function readAlg(name: string): JwsAlgorithm {
  const alg = rsaAlgs.find((candidate) => candidate === name)
  if (!alg) throw new TypeError(name)
  return alg
}
