import { afterEach, expect, test, vi } from 'vitest'
import { createEnvKeySource, readVariable } from '../../src/keys/env-key.ts'
import { buildPublicJwk } from '../../src/keys/public-jwk.ts'
import { catchFault, expectNothingOf, generateEc, signing, toJwk, toPem } from './support/keys.ts'

afterEach(() => vi.unstubAllEnvs())

const [one, two] = [generateEc(), generateEc()]

test('a variable is read once, at the start, on however many lines it is', async () => {
  vi.stubEnv('TEST_KEY', toPem(one).replaceAll('\n', '\\n'))
  const source = createEnvKeySource('TEST_KEY', signing)
  vi.stubEnv('TEST_KEY', toPem(two))
  const keys = await source.keys()
  expect(source.name).toBe('env:TEST_KEY')
  expect(keys.map(({ signer }) => signer.publicJwk)).toEqual([buildPublicJwk(one)])
})

test('a variable may hold several keys', async () => {
  vi.stubEnv('TEST_KEY', JSON.stringify({ keys: [toJwk(one), { ...toJwk(two), kid: 'two' }] }))
  const keys = await createEnvKeySource('TEST_KEY', signing).keys()
  expect(keys.map(({ signer }) => signer.hasExplicitKid)).toEqual([false, true])
})

test('a variable that is not set is named', () => {
  expect(catchFault(() => readVariable('NO_SUCH_KEY'))).toMatchObject({
    code: 'ERR_KEY_UNAVAILABLE',
    message: 'names the variable NO_SUCH_KEY, which is not set',
  })
})

test('what stands in the place of the name and may be the secret is not repeated', () => {
  const secret = 'correct-horse-battery-staple'
  const fault = catchFault(() => readVariable(secret))
  expect(fault.message).toBe('names a variable, which is not set')
  expectNothingOf(secret, fault)
})

test('a variable that is empty is no key', () => {
  vi.stubEnv('TEST_KEY', ' ')
  expect(catchFault(() => createEnvKeySource('TEST_KEY', signing))).toMatchObject({
    code: 'ERR_KEY_UNAVAILABLE',
    message: 'is empty',
  })
})
