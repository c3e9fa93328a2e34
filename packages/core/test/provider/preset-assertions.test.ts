import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import { type JwsAlgorithm, type Preset, type PresetName, presets } from '@countersign/core'
import {
  findBrokenRules,
  type InspectedAssertion,
  type SeenClientAssertion,
} from '@countersign/core/inspection'
import { calculateJwkThumbprint } from 'jose'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { buildFor, certify, keyFor, server } from './support/preset-assertion.ts'

// It is one and the same second all the time
beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterAll(() => void vi.useRealTimers())

const withAssertion = Object.values<Preset>(presets).flatMap((preset) =>
  preset.assertion ? [[preset.name, preset, preset.assertion] as const] : [],
)

/** As the provider sees it, `seconds` after it was made. */
function seen({ header, claims, endpoint }: InspectedAssertion, seconds = 0): SeenClientAssertion {
  const now = Math.floor(Date.now() / 1000) + seconds
  return { ...server, header, claims, endpoint, now, clientId: 'app', formClientId: 'app' }
}

/** What a preset has an app send, in one row. */
interface Sent {
  readonly alg: JwsAlgorithm
  readonly typ?: string
  readonly kid?: 'thumbprint' | 'its own name'
  readonly certificate?: 'x5t#S256'
  readonly aud: string
  /** Whether there is an `nbf`. */
  readonly nbf?: true
  /** Seconds from `iat` to `exp`. */
  readonly lasts: number
  readonly iss?: string
}

const { issuer, tokenEndpoint, parEndpoint: called } = server
const kid = 'thumbprint'
const typed = 'client-authentication+jwt'

/**
 * Written down from the documents once more, apart from the presets: for a request to an endpoint other
 * than the token endpoint.
 */
const sent: Readonly<Record<Exclude<PresetName, 'google'>, Sent>> = {
  criipto: { alg: 'RS256', kid, aud: issuer, lasts: 60 },
  signicat: { alg: 'RS256', kid, aud: tokenEndpoint, lasts: 60 },
  jiko: { alg: 'PS256', typ: 'JWT', aud: tokenEndpoint, lasts: 60 },
  auth0: { alg: 'RS256', aud: issuer, lasts: 60 },
  okta: { alg: 'RS256', kid, aud: called, lasts: 70 },
  entra: {
    alg: 'PS256',
    typ: 'JWT',
    certificate: 'x5t#S256',
    aud: tokenEndpoint,
    nbf: true,
    lasts: 60,
  },
  keycloak: { alg: 'RS256', kid, aud: issuer, lasts: 60 },
  pingone: { alg: 'RS256', kid, aud: tokenEndpoint, lasts: 60 },
  curity: { alg: 'RS256', kid, aud: issuer, lasts: 60 },
  duende: { alg: 'RS256', typ: typed, kid, aud: issuer, lasts: 60 },
  openiddict: { alg: 'RS256', typ: typed, kid, aud: issuer, lasts: 60 },
  'login-gov': { alg: 'RS256', aud: tokenEndpoint, lasts: 60 },
  'id-porten': { alg: 'RS256', kid, aud: issuer, lasts: 60 },
  'govuk-one-login': { alg: 'RS256', kid, aud: tokenEndpoint, lasts: 60 },
  itsme: { alg: 'RS256', kid, aud: tokenEndpoint, lasts: 60 },
  'france-connect': { alg: 'ES256', kid, aud: issuer, lasts: 60 },
  'france-connect-plus': { alg: 'ES256', kid, aud: issuer, lasts: 60 },
  apple: {
    alg: 'ES256',
    kid: 'its own name',
    aud: 'https://appleid.apple.com',
    lasts: 60,
    iss: 'ABCDE12345',
  },
}

const rows = Object.entries(sent)

test('every preset with an assertion has a row', () => {
  expect(rows.map(([name]) => name)).toEqual(withAssertion.map(([name]) => name))
})

describe('an app that names its provider and nothing else', () => {
  test.each(rows)('sends %s what its row says, and no more', async (name, row) => {
    const preset = presets[name as PresetName]
    const { header, claims } = await buildFor(preset, { endpoint: called })
    const names = { thumbprint: await readThumbprint(row.alg), 'its own name': 'ABC123DEFG' }
    expect(header).toEqual({
      alg: row.alg,
      ...(row.typ && { typ: row.typ }),
      ...(row.kid && { kid: names[row.kid] }),
      ...(row.certificate && { 'x5t#S256': readDigest(row.alg) }),
    })
    const iat = Number(claims['iat'])
    expect(claims).toEqual({
      iss: row.iss ?? 'app',
      sub: 'app',
      aud: row.aud,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat,
      ...(row.nbf && { nbf: iat }),
      exp: iat + row.lasts,
    })
  })

  test('never names an assertion twice', async () => {
    const built = [await buildFor(presets.jiko), await buildFor(presets.jiko)]
    expect(new Set(built.map(({ claims }) => claims['jti'])).size).toBe(2)
  })

  test('made it ten seconds before it reaches Okta, and now for all others', async () => {
    const ages = await Promise.all(
      withAssertion.map(async ([name, preset]) => {
        const { claims } = await buildFor(preset)
        return [name, Math.floor(Date.now() / 1000) - Number(claims['iat'])]
      }),
    )
    expect(ages.filter(([, age]) => age !== 0)).toEqual([['okta', 10]])
  })
})

describe('every client assertion of a preset', () => {
  const endpoints = [tokenEndpoint, called]

  test.each(withAssertion)(
    '%s is as the provider demands, at each endpoint',
    async (_name, preset, demands) => {
      for (const endpoint of endpoints) {
        const assertion = await buildFor(preset, { endpoint })
        expect(findBrokenRules(demands, seen(assertion))).toEqual([])
      }
    },
  )

  test.each(withAssertion)(
    '%s is so with every algorithm that is accepted',
    async (_name, preset, demands) => {
      for (const alg of demands.algs) {
        const assertion = await buildFor(preset, { alg })
        expect(assertion.header['alg']).toBe(alg)
        expect(findBrokenRules(demands, seen(assertion))).toEqual([])
      }
    },
  )

  test.each(withAssertion)(
    '%s is good where the clocks differ by ten seconds',
    async (_name, preset, demands) => {
      const assertion = await buildFor(preset)
      for (const seconds of [-10, 10]) {
        expect(findBrokenRules(demands, seen(assertion, seconds))).toEqual([])
      }
    },
  )

  test.each(withAssertion)(
    '%s names algorithms once, and advises some of them',
    (_name, _preset, demands) => {
      const { algs, recommendedAlgs = algs } = demands
      expect(new Set(algs).size).toBe(algs.length)
      expect(recommendedAlgs.filter((alg) => !algs.includes(alg))).toEqual([])
      expect(recommendedAlgs.length).toBeGreaterThan(0)
    },
  )

  test.each(withAssertion)('%s has no "kid" where one is refused', (_name, _preset, demands) => {
    const { kid, kidRule, lifetime = 60, maxLifetime = lifetime } = demands
    if (kidRule === 'refused') expect(kid).toBe(false)
    if (kidRule === 'required') expect(kid).not.toBe(false)
    expect(lifetime).toBeLessThanOrEqual(maxLifetime)
  })
})

test('no setting suits both Entra and OpenIddict', () => {
  const { entra, openiddict } = presets
  const types: readonly string[] = openiddict.assertion?.typ ?? []
  expect(entra.assertion?.typ?.filter((typ) => types.includes(typ))).toEqual([])
})

async function readThumbprint(alg: JwsAlgorithm): Promise<string> {
  return await calculateJwkThumbprint(createPublicKey(keyFor(alg)))
}

function readDigest(alg: JwsAlgorithm): string {
  const { raw } = new X509Certificate(certify(keyFor(alg)))
  return createHash('sha256').update(raw).digest('base64url')
}
