import { generateClientKey } from '@countersign/testing'
import { expect, test, vi } from 'vitest'
import { examine } from '../src/doctor/examine.ts'
import { working } from './support/doctor.ts'
import { createPlace } from './support/run.ts'

const close = vi.hoisted(() => vi.fn(() => new Promise<void>(() => {})))

/** A key source that never lets go of what it holds. */
vi.mock(import('@countersign/core/inspection'), async (load) => {
  const original = await load()
  return {
    ...original,
    inspect: (options) => ({ ...original.inspect(options), close }),
  }
})

test('what never closes holds nobody up', async () => {
  const { privateKeyPem } = await generateClientKey('EdDSA')
  const env = { ...working, OIDC_CLIENT_KEY: privateKeyPem }
  const surroundings = {
    stdout: { write: () => {} },
    stderr: { write: () => {} },
    env,
    cwd: createPlace().cwd,
    isTerminal: false,
    columns: 80,
    now: () => 0,
    waitForEnd: () => Promise.resolve(),
  }
  const ids: string[] = []
  for await (const { id } of examine(surroundings, { env, milliseconds: 100, isProbed: false })) {
    ids.push(id)
  }
  expect(ids.at(-1)).toBe('store')
  expect(close).toHaveBeenCalledOnce()
})
