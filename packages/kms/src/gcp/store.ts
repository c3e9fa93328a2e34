/**
 * A key of Google Cloud KMS: its versions, and their signatures.
 *
 * @see https://cloud.google.com/kms/docs/reference/rpc/google.cloud.kms.v1
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { algorithms, type JwsAlgorithm } from '@countersign/core/keys'
import { readDerSignature } from '../store/der-signature.ts'
import { type KeyStore, type KeyVersion, StoreFault } from '../store/key-store.ts'
import { describeMisfit, findJwsAlgorithms } from './algorithms.ts'
import { type ListedVersion, readPublicKey, readSignature, readVersionPage } from './answer.ts'
import { callKms, type GoogleKmsClient, type KmsCall } from './call.ts'
import { calculateCrc32c } from './crc32c.ts'
import { buildCredentialsFault, readGoogleFailure } from './failure.ts'

/** A key, and who is asked about it. */
export interface GoogleKey {
  /** The resource name of the key. */
  readonly key: string
  /** The number of the only version to use. */
  readonly version: string | undefined
  /** Creates the client, or returns the one that is there. It is asked again when that one is no use. */
  createClient(): GoogleKmsClient
}

/** Requests at once. One connection of gRPC takes a hundred. */
const concurrency = 20
const pageSize = 100
/** Whoever has more versions than these does not disable the old ones. */
const maxPages = 5
/** Making a version disables none: a key gets more and more of them, and the old ones are long over. */
const maxVersions = 10

/** Creates the store of one key. */
export function createGoogleStore({ key, version, createClient }: GoogleKey): KeyStore {
  let client: GoogleKmsClient | undefined
  /** What was read by attempts that failed in the end. */
  const read = new Map<string, KeyVersion>()

  async function call(request: KmsCall) {
    client ??= createClient()
    const current = client
    try {
      await current.initialize()
    } catch (error) {
      // A client that found no credentials looks for none again
      if (client === current) client = undefined
      throw buildCredentialsFault(error)
    }
    return await callKms(current, request)
  }

  async function listVersions(signal: AbortSignal): Promise<readonly ListedVersion[]> {
    const versions: ListedVersion[] = []
    let pageToken: unknown
    for (let page = 0; page < maxPages; page++) {
      const answer = await call({
        method: 'listCryptoKeyVersions',
        request: {
          parent: key,
          pageSize,
          filter: 'state=ENABLED',
          ...(pageToken ? { pageToken } : {}),
        },
        route: 'parent',
        signal,
      })
      versions.push(...readVersionPage(answer))
      pageToken = answer['nextPageToken']
      if (!pageToken) return versions
    }
    const remedy = `more than ${versions.length} versions are enabled: disable the old ones`
    throw new StoreFault('unavailable', remedy, remedy)
  }

  async function readVersion(ref: string, signal: AbortSignal): Promise<KeyVersion> {
    const request = { name: ref }
    const answer = await call({ method: 'getPublicKey', request, route: 'name', signal })
    const { publicKey, algorithm } = readPublicKey(ref, answer)
    const algs = findJwsAlgorithms(algorithm)
    if (algs.length === 0) throw buildMisfitFault([algorithm])
    return { ref, publicKey, algs }
  }

  return {
    concurrency,
    async readVersions({ known, signal }) {
      if (version !== undefined) {
        return [await readVersion(`${key}/cryptoKeyVersions/${version}`, signal)]
      }
      const listed = await listVersions(signal)
      const fitting = listed.filter(({ algorithm }) => findJwsAlgorithms(algorithm).length > 0)
      if (listed.length > 0 && fitting.length === 0) {
        throw buildMisfitFault(listed.map(({ algorithm }) => algorithm))
      }
      const newest = fitting
        .toSorted((a, b) => (a.createdAt ?? 0) - (b.createdAt ?? 0))
        .slice(-maxVersions)
      const versions: KeyVersion[] = []
      // One after the other: where a quota refuses one, the others are not asked for
      for (const { ref, createdAt } of newest) {
        const found = known.get(ref) ?? read.get(ref) ?? (await readVersion(ref, signal))
        read.set(ref, found)
        versions.push({ ...found, createdAt })
      }
      read.clear()
      return versions
    },
    async sign({ ref }, { alg, data, signal }) {
      const { input, fields } = buildInput(alg, data)
      const request = { name: ref, ...fields }
      const answer = await call({ method: 'asymmetricSign', request, route: 'name', signal })
      return readDerSignature(alg, readSignature(ref, input, answer))
    },
    readFailure: readGoogleFailure,
    async close() {
      await client?.close()
    },
  }
}

/** What is sent of the data: its digest, or itself where the algorithm has a digest of its own. */
function buildInput(
  alg: JwsAlgorithm,
  data: Uint8Array,
): { readonly input: 'digest' | 'data'; readonly fields: Readonly<Record<string, unknown>> } {
  const { digest: hash } = algorithms[alg]
  if (hash === null) {
    return { input: 'data', fields: { data, dataCrc32c: { value: calculateCrc32c(data) } } }
  }
  const digest = createHash(hash).update(data).digest()
  const digestCrc32c = { value: calculateCrc32c(digest) }
  return { input: 'digest', fields: { digest: { [hash]: digest }, digestCrc32c } }
}

function buildMisfitFault(seen: readonly string[]): StoreFault {
  const remedy = describeMisfit(seen)
  return new StoreFault('unsupported-algorithm', remedy, remedy)
}
