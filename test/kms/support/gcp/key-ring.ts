/**
 * A key ring of Google Cloud KMS: its keys with their versions, and what may be asked of them. The same
 * ring is behind both transports.
 *
 * @see https://cloud.google.com/kms/docs/reference/rpc/google.cloud.kms.v1
 *
 * @module
 */

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { encodeDerSignature, signDigest } from '../digest-signature.ts'
import { type AlgorithmName, algorithms } from './algorithms.ts'
import { RpcFault } from './rpc-fault.ts'

/** The states that a version can be in and that matter here. */
export type State = 'ENABLED' | 'DISABLED' | 'DESTROY_SCHEDULED' | 'DESTROYED'

/** When a version was made, and its key imported where it was not generated then. Microseconds. */
export interface VersionTimes {
  readonly createdAt?: number
  readonly importedAt?: number
}

interface Version extends VersionTimes {
  readonly name: string
  readonly algorithm: AlgorithmName
  readonly createdAt: number
  readonly privateKey: KeyObject | undefined
  state: State
}

interface Key {
  readonly purpose: string
  readonly versions: Version[]
}

/** A message, by the names of its fields; octets, numbers of 64 bits and times as gRPC's loader has them. */
export type Message = Readonly<Record<string, unknown>>

/** The key ring. */
export interface KeyRing {
  /** The resource name of the ring. */
  readonly name: string
  createKey(id: string, algorithm: AlgorithmName): string
  createVersion(key: string, algorithm: AlgorithmName, times?: VersionTimes): string
  setState(version: string, state: State): void
  versions(key: string): readonly string[]
  /** Takes every permission on a key away. */
  deny(key: string): void
  call(method: string, request: Message): Message
}

/** Creates an empty key ring. `pageSize` is the most that a page holds, whatever is asked for. */
export function createKeyRing({ pageSize }: { readonly pageSize: number }): KeyRing {
  const ring = 'projects/test-project/locations/europe-west3/keyRings/test-ring'
  const keys = new Map<string, Key>()
  const denied = new Set<string>()

  function findKey(name: string, permission: string): Key {
    const key = keys.get(name)
    if (denied.has(name)) {
      const message = `Permission 'cloudkms.cryptoKeyVersions.${permission}' denied on resource '${name}' (or it may not exist).`
      throw new RpcFault('PERMISSION_DENIED', message)
    }
    if (!key) throw new RpcFault('NOT_FOUND', `CryptoKey ${name} not found.`)
    return key
  }

  function findVersion(name: unknown, permission: string): Version {
    const [, key = ''] = versionName.exec(String(name)) ?? []
    if (key === '') throw new RpcFault('INVALID_ARGUMENT', `Invalid resource name: ${name}`)
    const version = findKey(key, permission).versions.find((one) => one.name === name)
    if (!version) throw new RpcFault('NOT_FOUND', `CryptoKeyVersion ${name} not found.`)
    if (version.state !== 'ENABLED') {
      const message = `${name} is not enabled, current state is: ${version.state}.`
      throw new RpcFault('FAILED_PRECONDITION', message)
    }
    return version
  }

  const methods: Readonly<Record<string, (request: Message) => Message>> = {
    listCryptoKeyVersions({ parent, filter, pageSize: asked, pageToken }) {
      if (!keyName.test(String(parent))) {
        throw new RpcFault('INVALID_ARGUMENT', `Invalid resource name: ${parent}`)
      }
      if (filter && filter !== 'state=ENABLED') {
        throw new RpcFault('INVALID_ARGUMENT', `Invalid filter: ${filter}`)
      }
      const { versions } = findKey(String(parent), 'list')
      const all = versions.filter(({ state }) => !filter || state === 'ENABLED')
      const start = Number(pageToken || 0)
      const end = start + Math.min(Number(asked) || pageSize, pageSize)
      return {
        cryptoKeyVersions: all.slice(start, end).map(describeVersion),
        nextPageToken: end < all.length ? String(end) : '',
        totalSize: all.length,
      }
    },
    getPublicKey({ name }) {
      const { privateKey, algorithm } = findVersion(name, 'viewPublicKey')
      if (!privateKey) {
        const message = `The purpose of ${name} must be ASYMMETRIC_SIGN or ASYMMETRIC_DECRYPT.`
        throw new RpcFault('FAILED_PRECONDITION', message)
      }
      const pem = String(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }))
      return {
        name,
        pem,
        pemCrc32c: { value: String(checksum(Buffer.from(pem))) },
        algorithm,
        protectionLevel: 'SOFTWARE',
      }
    },
    asymmetricSign(request) {
      const { name, algorithm, privateKey } = findVersion(request['name'], 'useToSign')
      const { alg, purpose } = algorithms[algorithm]
      if (!privateKey || purpose !== 'ASYMMETRIC_SIGN' || alg === undefined) {
        throw new RpcFault('FAILED_PRECONDITION', `The purpose of ${name} must be ASYMMETRIC_SIGN.`)
      }
      const input = readInput(request, algorithm)
      const signature =
        input.field === 'data'
          ? sign(null, input.octets, privateKey)
          : signDigest(alg, input.octets, privateKey)
      const encoded = alg.startsWith('ES') ? encodeDerSignature(signature) : signature
      return {
        name,
        signature: encoded,
        signatureCrc32c: { value: String(checksum(encoded)) },
        verifiedDigestCrc32c: input.field === 'digest' && input.isVerified,
        verifiedDataCrc32c: input.field === 'data' && input.isVerified,
        protectionLevel: 'SOFTWARE',
      }
    },
  }

  return {
    name: ring,
    createKey(id, algorithm) {
      const name = `${ring}/cryptoKeys/${id}`
      keys.set(name, { purpose: algorithms[algorithm].purpose, versions: [] })
      this.createVersion(name, algorithm)
      return name
    },
    createVersion(key, algorithm, times) {
      const versions = keys.get(key)?.versions ?? []
      const name = `${key}/cryptoKeyVersions/${versions.length + 1}`
      const privateKey = generateKey(algorithm)
      versions.push({ name, algorithm, privateKey, createdAt: now(), ...times, state: 'ENABLED' })
      return name
    },
    setState(name, state) {
      for (const { versions } of keys.values()) {
        for (const version of versions) if (version.name === name) version.state = state
      }
    },
    versions: (key) => (keys.get(key)?.versions ?? []).map(({ name }) => name),
    deny: (key) => denied.add(key),
    call(method, request) {
      const answer = methods[method]
      if (!answer) throw new RpcFault('UNIMPLEMENTED', `${method} is not implemented.`)
      return answer(request)
    },
  }
}

const keyName = /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/
const versionName =
  /^(projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+)\/cryptoKeyVersions\/\d+$/

function describeVersion({ name, state, algorithm, createdAt, importedAt }: Version): Message {
  const createTime = describeTime(createdAt)
  const time =
    importedAt === undefined
      ? { generateTime: createTime }
      : { importTime: describeTime(importedAt) }
  return { name, state, algorithm, createTime, ...time, protectionLevel: 'SOFTWARE' }
}

function describeTime(moment: number): Message {
  return { seconds: String(Math.floor(moment / 1e6)), nanos: (moment % 1e6) * 1000 }
}

/** What is to be signed: octets of a digest of the right kind, or the data itself. */
function readInput(
  { digest, digestCrc32c, data, dataCrc32c }: Message,
  algorithm: AlgorithmName,
): { readonly field: 'digest' | 'data'; readonly octets: Buffer; readonly isVerified: boolean } {
  const { hash } = algorithms[algorithm]
  const octets = hash === undefined ? data : isMessage(digest) ? digest[hash] : undefined
  if (!(octets instanceof Uint8Array) || (hash !== undefined && isFilled(data))) {
    const message = `${hash === undefined ? 'Data' : `A digest of ${hash}`} is needed for the algorithm ${algorithm}.`
    throw new RpcFault('INVALID_ARGUMENT', message)
  }
  if (hash !== undefined && octets.length !== createHash(hash).digest().length) {
    throw new RpcFault('INVALID_ARGUMENT', `The digest is ${octets.length} bytes long.`)
  }
  const field = hash === undefined ? 'data' : 'digest'
  const crc32c = field === 'data' ? dataCrc32c : digestCrc32c
  const value = isMessage(crc32c) ? String(crc32c['value']) : undefined
  if (value !== undefined && value !== String(checksum(octets))) {
    throw new RpcFault('INVALID_ARGUMENT', `The checksum in field ${field}_crc32c did not match.`)
  }
  return { field, octets: Buffer.from(octets), isVerified: value !== undefined }
}

function generateKey(name: AlgorithmName): KeyObject | undefined {
  const { bits, curve } = algorithms[name]
  if (bits === undefined && curve === undefined) return undefined
  const { privateKey } =
    bits !== undefined
      ? generateKeyPairSync('rsa', { modulusLength: bits })
      : curve === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: curve ?? '' })
  // Out of a text again: Node 20 may wait for ever to export a key that it has generated itself
  return createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }))
}

/** Microseconds. Two versions are never made at the same moment. */
let last = 0
function now(): number {
  last = Math.max(Date.now() * 1000, last + 1)
  return last
}

/** CRC-32C, bit by bit: the slow way, so that it is not the one that it checks. */
function checksum(data: Uint8Array): number {
  let value = 0xffffffff
  for (const octet of data) {
    value ^= octet
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0x82f63b78 : 0)
  }
  return ~value >>> 0
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null
}

function isFilled(value: unknown): boolean {
  return value instanceof Uint8Array && value.length > 0
}
