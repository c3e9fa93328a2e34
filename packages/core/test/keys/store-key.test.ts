import { describe, expect, test } from 'vitest'
import { createStoreKeySource } from '../../src/keys/store-key.ts'

const settings = { defaultRsaAlg: 'RS256' } as const
const place = { name: 'awskms:///alias/x', parts: {}, parameters: {} }

describe('a key in a key store', () => {
  test('is closed without having been opened', async () => {
    await expect(createStoreKeySource('awskms', place, settings).close?.()).resolves.toBeUndefined()
  })

  test('of a module that cannot be loaded says what to install, each time', async () => {
    const source = createStoreKeySource('nokms', place, settings)
    expect(source.name).toBe('awskms:///alias/x')
    for (let time = 0; time < 2; time++) {
      await expect(source.keys()).rejects.toMatchObject({
        code: 'ERR_KEY_UNAVAILABLE',
        message: '"nokms:" keys need the package "@countersign/kms": npm install @countersign/kms',
      })
    }
    await source.close?.()
  })
})
