/**
 * Which versions of a key in Google Cloud KMS are used, and how they are read.
 *
 * @module
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { VersionTimes } from './support/gcp/key-ring.ts'
import { RpcFault } from './support/gcp/rpc-fault.ts'
import { type GoogleTestKeyStore, startGoogleKms } from './support/gcp/test-store.ts'

describe.each(['gRPC', 'REST'] as const)('a key with many versions over %s', (transport) => {
  let store: GoogleTestKeyStore
  let count = 0
  beforeAll(async () => {
    store = await startGoogleKms(transport, 100)
  })
  afterEach(() => store.service.recover())
  afterAll(() => store.close())

  /** Makes a key with so many versions, and returns its resource name. */
  function createKey(versions: number, times?: VersionTimes): string {
    const { ring } = store.service
    count += 1
    const key = ring.createKey(`key-${count}`, 'EC_SIGN_P256_SHA256')
    for (let made = 1; made < versions; made++) {
      ring.createVersion(key, 'EC_SIGN_P256_SHA256', times)
    }
    return key
  }

  /** Refuses some requests for a public key, and returns the versions that the others were for. */
  function watchReads(isRefused: (request: number) => boolean = () => false): string[] {
    const read: string[] = []
    let requests = 0
    store.service.alter('getPublicKey', (answer) => {
      requests += 1
      if (isRefused(requests)) throw new RpcFault('RESOURCE_EXHAUSTED', 'Quota exceeded')
      read.push(String(answer['name']).replace(/.*\//, ''))
      return answer
    })
    return read
  }

  test('is read as its newest ten, with no warning', async () => {
    const warnings: Error[] = []
    const warn = (warning: Error) => warnings.push(warning)
    process.on('warning', warn)
    const key = createKey(40)
    const read = watchReads()
    expect(await store.openName(key).keys()).toHaveLength(10)
    expect(read).toEqual(Array.from({ length: 10 }, (_, index) => `${31 + index}`))
    await new Promise((resolve) => setImmediate(resolve))
    process.off('warning', warn)
    expect(warnings).toEqual([])
  })

  test('is read little by little under a quota, and nothing twice', async () => {
    const source = store.openName(createKey(10))
    const read = watchReads((request) => request % 5 === 0)
    store.service.calls.length = 0
    expect(await source.keys()).toHaveLength(10)
    expect(new Set(read).size).toBe(10)
    expect(store.service.calls.filter((method) => method === 'getPublicKey')).toHaveLength(12)
    read.splice(0)
    await source.keys({ renew: true })
    expect(read).toEqual([])
  })

  test('counts a version from the import of its key', async () => {
    const importedAt = (Date.now() + 7_200_000) * 1000
    const keys = await store.openName(createKey(2, { importedAt }), { wait: 3600 }).keys()
    const begin = Math.max(...keys.map(({ notBefore = 0 }) => notBefore))
    expect(begin).toBeCloseTo(importedAt / 1e6 + 3600, 0)
  })
})
