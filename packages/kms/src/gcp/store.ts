/**
 * A key of Google Cloud KMS: its versions, and their signatures.
 *
 * @see https://cloud.google.com/kms/docs/reference/rpc/google.cloud.kms.v1
 *
 * @module
 */

import { createHash } from 'node:crypto'
import { algorithms, type JwsAlgorithm } from '@countersign/core/keys'
import pLimit from 'p-limit'
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
  /** Whether the client ends with the key source. */
  readonly isOwnClient: boolean
}

/** Requests at once. One connection of gRPC takes a hundred. */
const concurrency = 20
const pageSize = 100
/** Whoever has more versions than these does not disable the old ones. */
const maxPages = 5

/** Creates the store of one key. */
export function createGoogleStore({
  key,
  version,
  createClient,
  isOwnClient,
}: GoogleKey): KeyStore {
  let client: GoogleKmsClient | undefined
  const limit = pLimit(concurrency)

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

  async function readVersion(
    ref: string,
    createdAt: number | undefined,
    signal: AbortSignal,
  ): Promise<KeyVersion> {
    const request = { name: ref }
    const answer = await call({ method: 'getPublicKey', request, route: 'name', signal })
    const { publicKey, algorithm } = readPublicKey(ref, answer)
    const algs = findJwsAlgorithms(algorithm)
    if (algs.length === 0) throw buildMisfitFault([algorithm])
    return { ref, publicKey, algs, createdAt }
  }

  return {
    concurrency,
    async readVersions({ known, signal }) {
      if (version !== undefined) {
        return [await readVersion(`${key}/cryptoKeyVersions/${version}`, undefined, signal)]
      }
      const listed = await listVersions(signal)
      const fitting = listed.filter(({ algorithm }) => findJwsAlgorithms(algorithm).length > 0)
      if (listed.length > 0 && fitting.length === 0) {
        throw buildMisfitFault(listed.map(({ algorithm }) => algorithm))
      }
      const reading = fitting.map(({ ref, createdAt }) =>
        limit(async () => known.get(ref) ?? (await readVersion(ref, createdAt, signal))),
      )
      return await Promise.all(reading)
    },
    async sign({ ref }, { alg, data, signal }) {
      const { input, fields } = buildInput(alg, data)
      const request = { name: ref, ...fields }
      const answer = await call({ method: 'asymmetricSign', request, route: 'name', signal })
      return readDerSignature(alg, readSignature(ref, input, answer))
    },
    readFailure: readGoogleFailure,
    async close() {
      if (isOwnClient) await client?.close()
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
