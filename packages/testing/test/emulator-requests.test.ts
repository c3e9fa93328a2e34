import { type Preset, presets } from '@countersign/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findEmulatedRules } from '../src/index.ts'
import { type Emulated, startEmulated } from './emulated.ts'
import { authorize, buildRequest } from './emulated-login.ts'

const { 'login-gov': loginGov, 'id-porten': idPorten } = presets
const { 'govuk-one-login': govuk, jiko } = presets
/** Where keys are read from a URL, one that was given will do here. */
const connect: Preset = {
  ...presets['france-connect'],
  registration: { forms: ['jwks'], where: 'a portal' },
}
const long = 'x'.repeat(22)
const short = 'x'.repeat(21)

const asked: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [connect.name]: { acr_values: 'eidas1' },
  [loginGov.name]: { acr_values: 'urn:acr.login.gov:auth-only' },
  [idPorten.name]: {},
  [govuk.name]: { vtr: '["Cl.Cm"]' },
}

const shorter = (name: string) => `"${name}" must have at least 22 characters, and has 21`
const missing = (name: string) => `"${name}" is required`

type Case = readonly [string, Readonly<Record<string, string | undefined>>, string]
const cases: readonly (readonly [Preset, readonly Case[]])[] = [
  [
    connect,
    [
      ['state', { state: undefined }, missing('state')],
      ['nonce', { nonce: undefined }, missing('nonce')],
      ['nonce', { nonce: short }, shorter('nonce')],
    ],
  ],
  [
    loginGov,
    [
      ['state', { state: undefined }, missing('state')],
      ['state', { state: short }, shorter('state')],
      ['nonce', { nonce: undefined }, missing('nonce')],
      ['nonce', { nonce: short }, shorter('nonce')],
    ],
  ],
  [
    idPorten,
    [
      ['state', { state: undefined }, missing('state')],
      ['nonce', { nonce: undefined }, missing('nonce')],
    ],
  ],
  [
    govuk,
    [
      ['state', { state: undefined }, missing('state')],
      ['nonce', { nonce: undefined }, missing('nonce')],
    ],
  ],
]

describe.each(cases)('$title', (preset, broken) => {
  let emulated: Emulated
  beforeAll(async () => {
    emulated = await startEmulated(preset)
  })
  afterAll(() => emulated.provider.close())
  const usual = { ...asked[preset.name], state: long, nonce: long }

  test('accepts what is long enough', async () => {
    const { response } = await authorize(emulated, usual)
    expect(response.get('code')).not.toBeNull()
    expect(emulated.provider.refusals).toEqual([])
  })

  test.each(broken)('says what is wrong with "%s": %j', async (rule, params, message) => {
    const { response } = await authorize(emulated, { ...usual, ...params })
    expect(response.get('error')).toBe('invalid_request')
    expect(response.get('error_description')).toBe(message.replaceAll('"', "'"))
    expect(emulated.provider.refusals.at(-1)).toMatchObject({ rule, message })
    expect(findEmulatedRules(preset)).toContain(rule)
  })
})

describe('elsewhere', () => {
  let emulated: Emulated
  beforeAll(async () => {
    emulated = await startEmulated(jiko)
  })
  afterAll(() => emulated.provider.close())

  test('"state" and "nonce" may be left out', async () => {
    const { response } = await authorize(emulated, { state: undefined, nonce: undefined })
    expect(response.get('code')).not.toBeNull()
    expect(findEmulatedRules(jiko)).not.toEqual(expect.arrayContaining(['state']))
  })

  test.each(['create', 'select_account'])('"prompt" may be "%s"', async (prompt) => {
    const { response } = await authorize(emulated, { prompt })
    expect(response.get('error')).toBeNull()
    expect(response.get('code')).not.toBeNull()
  })
})

test('nothing is pushed where there are no Pushed Authorization Requests', async () => {
  const { provider, buildForm, lines } = await startEmulated(connect)
  try {
    const params = await buildRequest({ acr_values: 'eidas1', state: long, nonce: long })
    const body = await buildForm('pushed_authorization_request', { form: params })
    const response = await fetch(`${provider.issuer}/par`, { method: 'POST', body })
    const message =
      'FranceConnect has no Pushed Authorization Requests: send the parameters with the browser'
    expect(response.status).toBe(404)
    expect(await response.text()).toBe(`Not Found: ${message}\n`)
    const endpoint = 'pushed_authorization_request'
    expect(provider.refusals).toEqual([{ rule: 'pushed', message, endpoint }])
    expect(lines.at(-1)).toContain(`the rule "pushed" is broken: ${message}`)
    expect(findEmulatedRules(connect)).toContain('pushed')
    expect(findEmulatedRules(jiko)).not.toContain('pushed')
  } finally {
    await provider.close()
  }
})
