import { writeFileSync } from 'node:fs'
import { generateClientKey } from '@countersign/testing'
import { describe, expect, test } from 'vitest'
import { examineConfiguration } from '../src/doctor/configuration.ts'
import { buildFinding, type Finding } from '../src/doctor/finding.ts'
import { findNodeFault } from '../src/doctor/node-version.ts'
import { type Variables, working } from './support/doctor.ts'
import { createPlace } from './support/run.ts'

const ES256 = (await generateClientKey('ES256')).privateKeyPem
const { privateJwk } = await generateClientKey('ES256')
const EdDSA = (await generateClientKey('EdDSA')).privateKeyPem

function examine(env: Variables, others: { cwd?: string; node?: string } = {}): Finding {
  const setting = { env, cwd: import.meta.dirname, milliseconds: 1000, ...others }
  return buildFinding('configuration', examineConfiguration(setting).result)
}

const tell = ({ outcome, problems }: Finding) => ({
  outcome,
  what: problems.flatMap(({ what }) => what),
})

describe('a provider elsewhere', () => {
  const elsewhere = { ...working, OIDC_ISSUER: 'https://auth.example' }

  test('cannot read the keys of this machine', () => {
    const what = 'OIDC_BASE_URL is http://localhost:9, and the provider is elsewhere'
    const OIDC_CLIENT_KEY = ES256
    const found = { outcome: 'warning', what: [what] }
    expect(tell(examine({ ...elsewhere, OIDC_CLIENT_KEY }))).toEqual(found)
    expect(tell(examine({ ...elsewhere, OIDC_CLIENT_KEY, OIDC_PROVIDER: 'okta' }))).toEqual(found)
  })

  test('need not, where keys are registered by hand', () => {
    const env = { ...elsewhere, OIDC_PROVIDER: 'jiko', OIDC_CLIENT_KEY: EdDSA }
    expect(tell(examine(env))).toEqual({ outcome: 'well', what: [] })
  })
})

describe('answers in a form', () => {
  const apple = {
    ...working,
    OIDC_ISSUER: 'https://appleid.apple.com',
    OIDC_PROVIDER: 'apple',
    OIDC_ASSERTION_ISSUER: 'ABCDE12345',
    OIDC_CLIENT_KEY: JSON.stringify({ ...privateJwk, kid: 'FGHIJ67890' }),
  }

  test('need https', () => {
    expect(tell(examine(apple))).toEqual({
      outcome: 'warning',
      what: [
        'OIDC_BASE_URL is http://localhost:9, and Sign in with Apple answers with a form (form_post)',
      ],
    })
    const OIDC_BASE_URL = 'https://app.example'
    expect(tell(examine({ ...apple, OIDC_BASE_URL }))).toEqual({ outcome: 'well', what: [] })
  })
})

describe('Node', () => {
  const env = { ...working, OIDC_CLIENT_KEY: ES256 }

  function findSeverities(version: string, cwd: string): readonly string[] {
    return [...findNodeFault(version, cwd)].map(({ severity }) => severity)
  }

  test('that is too old is broken, whatever else is wrong', () => {
    const what = 'this is Node 20.18.3, and Countersign needs 20.19 or later'
    const node = '20.18.3'
    expect(tell(examine(env, { node }))).toEqual({ outcome: 'broken', what: [what] })
    expect(tell(examine({ ...env, OIDC_PROVIDER: 'jikko' }, { node })).what).toContain(what)
    expect(tell(examine(env, { node: '20.19.0' }))).toEqual({ outcome: 'well', what: [] })
  })

  test.each(['18.20.8', '20.9.0'])('%s is too old', (version) => {
    expect(findSeverities(version, import.meta.dirname)).toEqual(['broken'])
  })

  test('that loads no ES module by require() is told of to CommonJS alone', () => {
    const { cwd, path } = createPlace()
    writeFileSync(path('package.json'), '{}')
    const severities = (versions: readonly string[]) =>
      versions.map((version) => findSeverities(version, cwd).join())
    expect(severities(['21.7.3', '22.0.0', '22.11.0'])).toEqual(['warning', 'warning', 'warning'])
    expect(severities(['20.19.0', '22.12.0', '23.1.0', '24.0.0'])).toEqual(['', '', '', ''])
    writeFileSync(path('package.json'), '{ "type": "module" }')
    expect(severities(['21.7.3', '22.11.0', '20.18.0'])).toEqual(['', '', 'broken'])
  })
})

describe('a .env that nobody reads', () => {
  const usual = 'Correct the environment (or the --env-file), and run the doctor again.'
  const named =
    'There is a .env here, and nothing reads it by itself: add "--env-file .env" (or "-e .env").'
  const readFix = (env: Variables, cwd: string) => examine(env, { cwd }).problems[0]?.fix

  test('is told of where nothing is set', () => {
    const { cwd, path } = createPlace()
    expect(readFix({ LANG: 'C' }, cwd)).toBe(usual)
    writeFileSync(path('.env'), '')
    expect(readFix({ LANG: 'C' }, cwd)).toBe(named)
    expect(readFix({ OIDC_PROVIDER: '' }, cwd)).toBe(named)
    expect(readFix({ OIDC_PROVIDER: 'jikko' }, cwd)).toBe(usual)
  })
})
