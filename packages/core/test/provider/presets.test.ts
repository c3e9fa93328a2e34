import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  type AssertionDemands,
  findPreset,
  type Preset,
  type PresetName,
  presets,
} from '@countersign/core'
import {
  findBrokenRules,
  readAudience,
  type SeenClientAssertion,
} from '@countersign/core/inspection'
import { describe, expect, test } from 'vitest'
import { isJwsAlgorithm } from '../../src/keys/algorithms.ts'
import { describeUnknownPreset } from '../../src/provider/presets.ts'

const all = Object.entries(presets)
const withAssertion = all.flatMap(([name, { assertion }]) =>
  assertion ? [[name, assertion] as const] : [],
)

const now = 1_800_000_000
const server = {
  issuer: 'https://op.example/',
  tokenEndpoint: 'https://op.example/token',
}

/** What is sent where nothing but the preset is given. */
function buildSent(
  demands: AssertionDemands,
  endpoint = server.tokenEndpoint,
): SeenClientAssertion {
  const { algs, audience, typ, kid, certificate, issuer, required = [] } = demands
  const { lifetime = 60, maxLifetime = 60, backdate = 0 } = demands
  const iat = now - backdate
  return {
    ...server,
    endpoint,
    now,
    clientId: 'app',
    formClientId: 'app',
    header: {
      alg: algs[0],
      ...(kid !== false && { kid: 'login' }),
      ...(typ && { typ: typ[0] }),
      ...(certificate && { [certificate]: 'thumbprint' }),
    },
    claims: {
      iss: issuer?.example ?? 'app',
      sub: 'app',
      aud: readAudience(audience[0], { ...server, endpoint }),
      jti: randomUUID(),
      iat,
      ...(required.includes('nbf') && { nbf: iat }),
      exp: iat + Math.min(lifetime, maxLifetime),
    },
  }
}

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

describe('every client assertion of a preset', () => {
  test.each(withAssertion)('%s names algorithms that are known, and once', (_name, demands) => {
    const { algs, recommendedAlgs = algs } = demands
    expect(algs.every(isJwsAlgorithm)).toBe(true)
    expect(new Set(algs).size).toBe(algs.length)
    expect(recommendedAlgs.filter((alg) => !algs.includes(alg))).toEqual([])
    expect(recommendedAlgs.length).toBeGreaterThan(0)
  })

  test.each(withAssertion)('%s is as the provider demands, at each endpoint', (_name, demands) => {
    for (const endpoint of [server.tokenEndpoint, 'https://op.example/par']) {
      expect(findBrokenRules(demands, buildSent(demands, endpoint))).toEqual([])
    }
  })

  test.each(withAssertion)('%s is so with every algorithm that is accepted', (_name, demands) => {
    const sent = buildSent(demands)
    for (const alg of demands.algs) {
      expect(findBrokenRules(demands, { ...sent, header: { ...sent.header, alg } })).toEqual([])
    }
  })

  test.each(withAssertion)(
    '%s is still good when it arrives ten seconds later',
    (_name, demands) => {
      expect(findBrokenRules(demands, { ...buildSent(demands), now: now + 10 })).toEqual([])
    },
  )

  test.each(withAssertion)(
    '%s sends no "kid" where one is refused, and one where it must',
    (_name, { kid, kidRule }) => {
      if (kidRule === 'refused') expect(kid).toBe(false)
      if (kidRule === 'required') expect(kid).not.toBe(false)
    },
  )

  test.each(withAssertion)(
    '%s lasts as long as it may',
    (_name, { lifetime = 60, maxLifetime }) => {
      expect(lifetime).toBeLessThanOrEqual(maxLifetime ?? lifetime)
    },
  )
})

describe('what the presets say apart', () => {
  test.each<[PresetName, AssertionDemands['audience'][0]]>([
    ['criipto', 'issuer'],
    ['signicat', 'token_endpoint'],
    ['jiko', 'token_endpoint'],
    ['auth0', 'issuer'],
    ['okta', 'called_endpoint'],
    ['entra', 'token_endpoint'],
    ['keycloak', 'issuer'],
    ['openiddict', 'issuer'],
    ['login-gov', 'token_endpoint'],
    ['itsme', 'token_endpoint'],
    ['apple', 'https://appleid.apple.com'],
  ])('assertions for %s are for %s', (name, audience) => {
    expect(presets[name].assertion?.audience[0]).toBe(audience)
  })

  test.each(withAssertion)('%s is good where our clock is ten seconds ahead', (_name, demands) => {
    expect(findBrokenRules(demands, { ...buildSent(demands), now: now - 10 })).toEqual([])
  })

  test('assertions for Okta were made before they arrive', () => {
    expect(presets.okta.assertion?.backdate).toBeGreaterThan(0)
  })

  test('no setting suits both Entra and OpenIddict', () => {
    const { entra, openiddict } = presets
    const types: readonly string[] = openiddict.assertion?.typ ?? []
    expect(entra.assertion?.typ?.filter((typ) => types.includes(typ))).toEqual([])
  })

  test.each(['common', 'organizations', 'consumers'])('"%s" is no issuer at Entra', (name) => {
    const { pattern = '', reason } = presets.entra.issuer.refused ?? {}
    const refused = new RegExp(pattern)
    const authority = 'https://login.microsoftonline.com'
    expect(refused.test(`${authority}/${name}/v2.0`)).toBe(true)
    expect(refused.test(`${authority}/${name}`)).toBe(true)
    expect(refused.test(`${authority}/${name}-goods.example/v2.0`)).toBe(false)
    expect(refused.test(`${authority}/11111111-2222-3333-4444-555555555555/v2.0`)).toBe(false)
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
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))

  test('has a row for each preset, in their order', () => {
    const names = rows.map((row) => /^\| `([^`]+)`/.exec(row)?.[1])
    expect(names).toEqual(Object.keys(presets))
  })

  test.each(Object.values<Preset>(presets))('says of $name what the preset says', (preset) => {
    const { name, aliases = [], sources, assertion } = preset
    const row = rows.find((each) => each.startsWith(`| \`${name}\``)) ?? ''
    for (const alias of aliases) expect(row).toContain(`\`${alias}\``)
    for (const source of sources) expect(row).toContain(`](${source})`)
    const limit = assertion?.maxLifetime
    const shown = row.split(' | ')[5]?.replaceAll(' ', '')
    expect(shown).toBe(limit === undefined ? '–' : `${limit}s`)
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
