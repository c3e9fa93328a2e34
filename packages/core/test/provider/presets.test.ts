import { readFileSync } from 'node:fs'
import { findPreset, type Preset, presets } from '@countersign/core'
import { describe, expect, test } from 'vitest'
import { isJwsAlgorithm } from '../../src/keys/algorithms.ts'
import { describeUnknownPreset } from '../../src/provider/presets.ts'
import { buildMoreRow, buildRow } from './support/preset-rows.ts'

const all = Object.entries(presets)
describe('every preset', () => {
  test.each(all)('%s is found by its name, and can be written in one', (name, preset) => {
    expect(preset.name).toBe(name)
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
    expect(findPreset(name)).toBe(preset)
  })

  test.each(all)('%s cites documents that can be opened', (_name, { sources }) => {
    for (const source of sources) {
      expect(new URL(source).protocol).toBe('https:')
      expect(source).not.toMatch(/[\s{}]/)
    }
    expect(new Set(sources).size).toBe(sources.length)
  })

  test.each(all)('%s says how its issuer looks', (_name, { issuer }) => {
    expect(new URL(issuer.example.replaceAll(/[{}]/g, '')).protocol).toBe('https:')
    // What has a placeholder is not used as it stands
    if (issuer.default !== undefined) expect(issuer.default).toBe(issuer.example)
    if (issuer.example.includes('{')) expect(issuer.default).toBeUndefined()
  })

  test.each(all)('%s has an assertion only where it takes one', (_name, preset) => {
    const { assertion, clientAuth, registration } = preset
    const takesKeys = clientAuth.some((method) => /^(private_key_jwt|signed_)/.test(method))
    expect(assertion !== undefined).toBe(takesKeys)
    expect(registration.forms.length > 0).toBe(takesKeys)
    expect(new Set(clientAuth).size).toBe(clientAuth.length)
    expect(preset.assertion?.algs.every(isJwsAlgorithm) ?? true).toBe(true)
  })

  test.each(all)('%s forbids nothing that it sends itself', (_name, preset) => {
    const { defaults = {}, refusedScopes = [], responseModes, prompts } = preset.authorization ?? {}
    const scopes = defaults['scope']?.split(' ') ?? ['openid']
    expect(scopes).toContain('openid')
    expect(scopes.filter((scope) => refusedScopes.includes(scope))).toEqual([])
    // "openid profile email" is what is sent where no preset says otherwise
    if (refusedScopes.length > 0) expect(defaults['scope']).toBeDefined()
    const { response_mode: mode = 'query', prompt } = defaults
    if (responseModes) expect(responseModes).toContain(mode)
    if (prompts && prompt !== undefined) expect(prompts).toContain(prompt)
    const level = defaults['acr_values']
    if (level !== undefined) expect(preset.acr?.levels).toContain(level)
  })

  test('has names that no other has', () => {
    const names = Object.values<Preset>(presets).flatMap(({ name, aliases = [] }) => [
      name,
      ...aliases,
    ])
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(findPreset(name)?.title).toBeTruthy()
  })
})

describe('what the presets say apart', () => {
  test.each(['common', 'organizations', 'consumers'])('"%s" is no issuer at Entra', (name) => {
    const { pattern = '', reason } = presets.entra.issuer.refused ?? {}
    const refused = new RegExp(pattern)
    // The clouds of the United States and of China have hosts of their own
    for (const host of [
      'microsoftonline.com',
      'microsoftonline.us',
      'partner.microsoftonline.cn',
    ]) {
      const authority = `https://login.${host}`
      expect(refused.test(`${authority}/${name}/v2.0`)).toBe(true)
      expect(refused.test(`${authority}/${name}`)).toBe(true)
      expect(refused.test(`${authority}/${name}-goods.example/v2.0`)).toBe(false)
      expect(refused.test(`${authority}/11111111-2222-3333-4444-555555555555/v2.0`)).toBe(false)
    }
    expect(refused.test(`http://127.0.0.1:4000/${name}/v2.0`)).toBe(false)
    expect(reason).toMatch(/^is not one tenant: /)
  })

  test('what only the app can know has no default', () => {
    const asked = all.flatMap(([name, { authorization: { required = [], defaults = {} } = {} }]) =>
      required.filter((parameter) => defaults[parameter] === undefined).map((it) => [name, it]),
    )
    expect(asked).toEqual([
      ['login-gov', 'acr_values'],
      ['itsme', 'scope'],
      ['france-connect-plus', 'acr_values'],
    ])
  })

  test('ID Tokens are encrypted where the documents say so', () => {
    const encrypted = all.filter(([, preset]) => preset.isIdTokenEncrypted).map(([name]) => name)
    expect(encrypted).toEqual(['itsme', 'france-connect-plus'])
  })
})

describe('docs/presets.md', () => {
  const page = readFileSync(new URL('../../../../docs/presets.md', import.meta.url), 'utf8')
  const [, table = '', more = ''] = page.split(/^## (?:The presets|More of each)$/m)
  const readRows = (text: string) => text.split('\n').filter((line) => line.startsWith('| `'))
  const rows = readRows(table)

  test('has a row for each preset, in their order', () => {
    const names = rows.map((row) => /^\| `([^`]+)`/.exec(row)?.[1])
    expect(names).toEqual(Object.keys(presets))
    expect(readRows(more)).toHaveLength(rows.length)
  })

  // The page is written by hand: what a preset says is changed in both places, or in none
  test.each(Object.values<Preset>(presets))('says of $name what the preset says', (preset) => {
    const start = `| \`${preset.name}\``
    expect(rows.find((row) => row.startsWith(start))).toBe(buildRow(preset))
    expect(readRows(more).find((row) => row.startsWith(start))).toBe(buildMoreRow(preset))
  })
})

describe('a name that is looked for', () => {
  test.each([
    ['idura', 'criipto'],
    ['azure-ad', 'entra'],
    ['logingov', 'login-gov'],
    ['idporten', 'id-porten'],
    ['govuk', 'govuk-one-login'],
    ['franceconnect', 'france-connect'],
    ['franceconnect-plus', 'france-connect-plus'],
  ])('%s is another name of %s', (alias, name) => {
    expect(findPreset(alias)?.name).toBe(name)
  })

  test.each(['', 'Auth0', 'toString', '__proto__', 'singpass'])('"%s" is none', (name) => {
    expect(findPreset(name)).toBeUndefined()
  })

  test.each([
    ['Auth0', 'auth0'],
    ['crippto', 'criipto'],
    ['keyclaok', 'keycloak'],
    ['id_porten', 'id-porten'],
    ['france-conect', 'france-connect'],
  ])('"%s" gets the question whether "%s" was meant', (name, meant) => {
    expect(describeUnknownPreset(name)).toBe(
      `is not the name of a provider: did you mean "${meant}"?`,
    )
  })

  test('that is like none gets all of them', () => {
    const message = describeUnknownPreset('acme-corporation')
    expect(message).toMatch(/^is not the name of a provider: there are apple, auth0, azure-ad, /)
    for (const name of Object.keys(presets)) expect(message).toContain(name)
  })
})
