/**
 * A key store in this process, which does what it is told: the contract's other side.
 *
 * @module
 */

import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { vi } from 'vitest'
import type { Failure, KeyStore, KeyVersion } from '../../src/store/key-store.ts'

/** An error of the store's own. */
export class MemoryStoreError extends Error {
  readonly failure: Failure | undefined

  constructor(message: string, failure?: Failure) {
    super(message)
    this.failure = failure
  }
}

export function createMemoryStore(concurrency = 4) {
  const privateKeys = new Map<string, KeyObject>()
  const versions: KeyVersion[] = []
  const store = {
    concurrency,
    readVersions: vi.fn<KeyStore['readVersions']>(async () => [...versions]),
    sign: vi.fn<KeyStore['sign']>(async ({ ref }, { data }) => {
      const key = privateKeys.get(ref)
      if (!key) throw new MemoryStoreError('it is gone', { reason: 'not-found' })
      return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
    }),
    readFailure: (error: unknown) =>
      error instanceof MemoryStoreError ? error.failure : undefined,
    close: vi.fn(async () => undefined),
  }

  function addVersion(more: Partial<KeyVersion> = {}): KeyVersion {
    const generated = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    // Read again: Node 20 may wait for ever to export a key as a JWK that it has just generated
    const privateKey = createPrivateKey(generated.export({ type: 'pkcs8', format: 'pem' }))
    const publicKey = createPublicKey(privateKey)
    const ref = `version-${versions.length + 1}`
    const version = { ref, publicKey, algs: ['ES256' as const], ...more }
    privateKeys.set(ref, privateKey)
    versions.push(version)
    return version
  }

  return { store, addVersion, versions }
}
