import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
// Loaded here: it takes a busy machine longer than a key may take
import '@google-cloud/kms'
import type { KeyPlace } from '@countersign/core/keys'
import { createUriKeySource, googleKms } from '@countersign/kms/gcp'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { findError } from '../support/key-error.ts'

const key = 'projects/p/locations/l/keyRings/r/cryptoKeys/k'
const variable = 'GOOGLE_APPLICATION_CREDENTIALS'

describe('without credentials', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gcp-'))
  })
  afterAll(() => rm(folder, { recursive: true }))
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  test('a key says where they are looked for, and looks again', async () => {
    const source = googleKms({ name: key })
    // There is no metadata server here
    vi.stubEnv('METADATA_SERVER_DETECTION', 'none')
    vi.stubEnv('HOME', folder)
    vi.stubEnv(variable, undefined)
    const nowhere = await findError(source.keys())
    expect(nowhere).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE', reason: 'credentials' })
    expect(nowhere.message).toContain(`set ${variable}`)
    vi.stubEnv(variable, join(folder, 'absent.json'))
    const absent = await findError(source.keys())
    expect(absent).toMatchObject({
      reason: 'credentials',
      cause: { message: expect.stringContaining('absent.json does not exist') },
    })
    await source.close?.()
  })

  test('what is in a file of credentials is repeated nowhere', async () => {
    const path = join(folder, 'broken.json')
    await writeFile(path, 'very-secret-key')
    vi.stubEnv(variable, path)
    const source = googleKms({ name: key })
    const error = await findError(source.keys())
    expect(error.reason).toBe('credentials')
    expect(JSON.stringify([error.message, String(error.cause)])).not.toContain('secret')
    await source.close?.()
  })
})

describe('a key URI', () => {
  const place: KeyPlace = {
    name: `gcpkms://${key}`,
    parts: { name: key, version: '3' },
    parameters: {},
  }
  const settings = { defaultRsaAlg: 'RS256' } as const

  test('names the key source', () => {
    expect(createUriKeySource(place, settings).name).toBe(place.name)
  })
})
