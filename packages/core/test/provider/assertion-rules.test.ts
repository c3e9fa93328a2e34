import type { AssertionDemands } from '@countersign/core'
import {
  assertionRules,
  findBrokenRules,
  readAudience,
  type SeenClientAssertion,
} from '@countersign/core/inspection'
import { describe, expect, test } from 'vitest'

const now = 1_800_000_000

/** Each rule has something to look at. */
const strict: AssertionDemands = {
  algs: ['PS256', 'EdDSA'],
  audience: ['token_endpoint'],
  typ: ['JWT'],
  kid: 'thumbprint',
  kidRule: 'required',
  certificate: 'x5t#S256',
  maxLifetime: 300,
  required: ['iat', 'nbf', 'jti'],
  isClientIdRequired: true,
}

const lenient: AssertionDemands = { algs: ['RS256'], audience: ['issuer'], kid: false }

const good = {
  header: { alg: 'PS256', typ: 'JWT', kid: 'login', 'x5t#S256': 'thumbprint' },
  claims: {
    iss: 'app',
    sub: 'app',
    aud: 'https://op.example/token',
    jti: 'one',
    iat: now,
    nbf: now,
    exp: now + 60,
  },
}

interface Change {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly form?: string | undefined
  readonly endpoint?: string
}

/** A client assertion with one thing changed; `undefined` leaves a member away. */
function see({ header, claims, endpoint = 'https://op.example/token', ...change }: Change = {}) {
  const seen: SeenClientAssertion = {
    header: { ...good.header, ...header },
    claims: { ...good.claims, ...claims },
    clientId: 'app',
    formClientId: 'form' in change ? change.form : 'app',
    issuer: 'https://op.example/',
    tokenEndpoint: 'https://op.example/token',
    endpoint,
    now,
  }
  return seen
}

function messagesOf(change: Change, demands: AssertionDemands = strict): readonly string[] {
  return findBrokenRules(demands, see(change)).map(({ rule, message }) => `${rule}: ${message}`)
}

test('what is as demanded breaks no rule', () => {
  expect(findBrokenRules(strict, see())).toEqual([])
})

test('the rules that are broken come in the order of the rules', () => {
  const empty = { alg: undefined, typ: undefined, kid: undefined, 'x5t#S256': undefined }
  const claims = Object.fromEntries(Object.keys(good.claims).map((name) => [name, undefined]))
  const broken = findBrokenRules(strict, see({ header: empty, claims, form: undefined }))
  // Without "exp" there is nothing to measure
  const expected = assertionRules.filter((rule) => rule !== 'lifetime')
  expect(broken.map(({ rule }) => rule)).toEqual(expected)
})

describe('a rule that is broken says how', () => {
  test.each<[string, Change]>([
    ['alg: "alg" must be "PS256" or "EdDSA", and is "RS256"', { header: { alg: 'RS256' } }],
    ['alg: "alg" must be "PS256" or "EdDSA", and is "none"', { header: { alg: 'none' } }],
    ['alg: "alg" must be "PS256" or "EdDSA", and is ["PS256"]', { header: { alg: ['PS256'] } }],
    ['typ: "typ" must be "JWT", and is "jwt"', { header: { typ: 'jwt' } }],
    ['typ: "typ" must be "JWT", and is not there', { header: { typ: undefined } }],
    ['kid: "kid" is required', { header: { kid: undefined } }],
    ['kid: "kid" is required', { header: { kid: '' } }],
    ['kid: "kid" is required', { header: { kid: 7 } }],
    [
      'certificate: "x5t#S256" is required: it names the certificate that is registered',
      { header: { 'x5t#S256': undefined, x5t: 'thumbprint' } },
    ],
    [
      'certificate: "x5t#S256" is required: it names the certificate that is registered',
      { header: { 'x5t#S256': [] } },
    ],
    ['iss: "iss" must be the client_id, and is "App"', { claims: { iss: 'App' } }],
    ['sub: "sub" must be the client_id, and is null', { claims: { sub: null } }],
    ['client_id: the form must have "client_id" as well', { form: undefined }],
    ['client_id: the form has another "client_id"', { form: 'other' }],
    [
      'aud: "aud" must be "https://op.example/token", and is "https://op.example/"',
      { claims: { aud: 'https://op.example/' } },
    ],
    [
      'aud: "aud" must be one string, "https://op.example/token", and is ["https://op.example/token"]',
      { claims: { aud: ['https://op.example/token'] } },
    ],
    ['exp: "exp" is required', { claims: { exp: undefined } }],
    ['exp: "exp" must be a number', { claims: { exp: String(now + 60) } }],
    ['exp: "exp" passed 10 s ago', { claims: { exp: now - 10 } }],
    ['exp: "exp" must be later than "iat"', { claims: { iat: now + 8, exp: now - 8 } }],
    ['lifetime: "exp" must be at most 300 s ahead, and is 311 s', { claims: { exp: now + 311 } }],
    ['lifetime: "exp" must be at most 300 s ahead, and is 311 s', { claims: { iat: now - 251 } }],
    ['iat: "iat" is required', { claims: { iat: undefined } }],
    ['iat: "iat" must be a number', { claims: { iat: 'now' } }],
    ['iat: "iat" is 11 s in the future: compare the two clocks', { claims: { iat: now + 11 } }],
    ['nbf: "nbf" is required', { claims: { nbf: undefined } }],
    ['nbf: "nbf" is 11 s in the future: compare the two clocks', { claims: { nbf: now + 10.5 } }],
    ['jti: "jti" is required', { claims: { jti: undefined } }],
    ['jti: "jti" must be a text of at most 255 characters', { claims: { jti: '' } }],
    ['jti: "jti" must be a text of at most 255 characters', { claims: { jti: 5 } }],
    ['jti: "jti" must be a text of at most 255 characters', { claims: { jti: 'x'.repeat(256) } }],
  ])('%s', (message, change) => {
    expect(messagesOf(change)).toEqual([message])
  })

  test('a "kid" where there must be none', () => {
    expect(messagesOf({}, { ...strict, kidRule: 'refused' })).toEqual([
      'kid: "kid" must not be there: registered keys have no name, and it is "login"',
    ])
  })

  test.each([
    ['app', '"app"'],
    ['', '""'],
    [undefined, 'not there'],
  ])('an "iss" that must be of the client\'s own, and is %j', (iss, shown) => {
    const apple: AssertionDemands = {
      ...strict,
      issuer: { name: 'Team ID', example: 'ABCDE12345' },
    }
    expect(messagesOf({ claims: { iss: 'ABCDE12345' } }, apple)).toEqual([])
    expect(messagesOf({ claims: { iss } }, apple)).toEqual([
      `iss: "iss" must be the Team ID, and is ${shown}`,
    ])
  })

  test('an "iat" of this second at a provider that takes none that is still to come', () => {
    const okta: AssertionDemands = { ...strict, backdate: 10 }
    expect(messagesOf({ claims: { iat: now } }, okta)).toEqual([])
    expect(messagesOf({ claims: { iat: now + 1 } }, okta)).toEqual([
      'iat: "iat" is 1 s in the future: compare the two clocks',
    ])
  })

  test('clocks that differ by more than the documents say', () => {
    const keycloak: AssertionDemands = { ...strict, clockTolerance: 15 }
    const good = { iat: now + 15, nbf: now + 15, exp: now + 315 }
    expect(messagesOf({ claims: good }, keycloak)).toEqual([])
    expect(messagesOf({ claims: { iat: now - 60, exp: now - 14 } }, keycloak)).toEqual([])
    const late = { iat: now + 16, nbf: now + 16, exp: now + 316 }
    expect(messagesOf({ claims: late }, keycloak)).toEqual([
      'lifetime: "exp" must be at most 300 s ahead, and is 316 s',
      'iat: "iat" is 16 s in the future: compare the two clocks',
      'nbf: "nbf" is 16 s in the future: compare the two clocks',
    ])
    expect(messagesOf({ claims: { iat: now - 60, exp: now - 15 } }, keycloak)).toEqual([
      'exp: "exp" passed 15 s ago',
    ])
    const exact: AssertionDemands = { ...strict, clockTolerance: 0 }
    expect(messagesOf({ claims: { iat: now + 1 } }, exact)).toHaveLength(1)
  })

  test('several audiences are each named once', () => {
    const demands: AssertionDemands = {
      ...strict,
      audience: ['token_endpoint', 'issuer', 'called_endpoint'],
    }
    expect(messagesOf({ claims: { aud: 'app' } }, demands)).toEqual([
      'aud: "aud" must be "https://op.example/token" or "https://op.example/", and is "app"',
    ])
  })
})

describe('a rule is kept', () => {
  test.each<[string, Change]>([
    ['by Ed25519 where EdDSA is accepted', { header: { alg: 'Ed25519' } }],
    ['by a clock that is ten seconds ahead', { claims: { iat: now + 10, nbf: now + 10 } }],
    ['by one that is nearly ten seconds behind', { claims: { iat: now - 60, exp: now - 9 } }],
    ['by an assertion as long as may be', { claims: { exp: now + 310 } }],
    ['by one that began as long ago as may be', { claims: { iat: now - 250 } }],
    ['by a "jti" as long as may be', { claims: { jti: 'x'.repeat(255) } }],
    ['by members that nobody asked for', { header: { b64: true }, claims: { cnf: {} } }],
  ])('%s', (_how, change) => {
    expect(messagesOf(change)).toEqual([])
  })

  test('by no "typ" where it is optional, and by none but those that are accepted', () => {
    const demands: AssertionDemands = { ...strict, isTypOptional: true }
    expect(messagesOf({ header: { typ: undefined } }, demands)).toEqual([])
    expect(messagesOf({}, demands)).toEqual([])
    for (const typ of ['', null, 'at+jwt']) {
      expect(messagesOf({ header: { typ } }, demands)).toHaveLength(1)
    }
  })

  test.each([
    ['iat', 'tomorrow'],
    ['iat', now + 1e6],
    ['iat', 0],
    ['iat', undefined],
    ['jti', 7],
    ['jti', 'x'.repeat(256)],
    ['jti', undefined],
  ] as const)('by any "%s" where it is not looked at: %j', (name, value) => {
    const demands: AssertionDemands = { ...strict, required: [], ignored: [name] }
    expect(messagesOf({ claims: { [name]: value } }, demands)).toEqual([])
    expect(messagesOf({ claims: { nbf: now + 11 } }, demands)).toHaveLength(1)
  })

  test('by a chain of certificates', () => {
    const demands: AssertionDemands = { ...strict, certificate: 'x5c' }
    expect(messagesOf({ header: { x5c: ['MII'] } }, demands)).toEqual([])
    expect(messagesOf({ header: { x5c: [] } }, demands)).toHaveLength(1)
  })

  test('by whatever no document speaks of', () => {
    const left = { jti: undefined, iat: undefined, nbf: undefined, exp: now + 1e9 }
    const change = {
      header: { alg: 'RS256', typ: 'whatever', kid: undefined },
      claims: { ...left, aud: 'https://op.example/' },
      form: undefined,
    }
    expect(messagesOf(change, lenient)).toEqual([])
  })

  test('by the URL that was called, and no other', () => {
    const demands: AssertionDemands = { ...strict, audience: ['called_endpoint'] }
    const endpoint = 'https://op.example/par'
    expect(messagesOf({ endpoint, claims: { aud: endpoint } }, demands)).toEqual([])
    expect(messagesOf({ endpoint }, demands)).toEqual([
      'aud: "aud" must be "https://op.example/par", and is "https://op.example/token"',
    ])
  })

  test('by an audience that is a text of its own', () => {
    const demands: AssertionDemands = { ...strict, audience: ['https://appleid.apple.com'] }
    expect(messagesOf({ claims: { aud: 'https://appleid.apple.com' } }, demands)).toEqual([])
    expect(readAudience('urn:them', see())).toBe('urn:them')
  })
})

describe('what somebody hostile sends', () => {
  test('is shown in part', () => {
    const [message = ''] = messagesOf({ claims: { aud: 'x'.repeat(1e6) } })
    expect(message).toBe(
      `aud: "aud" must be "https://op.example/token", and is "${'x'.repeat(199)}…`,
    )
  })

  test('commands no terminal, and begins no line', () => {
    const [message] = messagesOf({ header: { typ: '\u001b[2J\u009b2J\r\n\u202ex\u007f é' } })
    expect(message).toBe(
      'typ: "typ" must be "JWT", and is "\\u001b[2J\\u009b2J\\r\\n\\u202ex\\u007f \\u00e9"',
    )
  })

  test('may be nested as deeply as it likes', () => {
    const depth = 100_000
    const deep: unknown = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)
    expect(messagesOf({ claims: { sub: deep } })).toEqual([
      'sub: "sub" must be the client_id, and is nested too deeply',
    ])
  })

  test.each([['__proto__'], ['constructor'], ['toString']])(
    'is nothing that every object has: %s',
    (name) => {
      expect(messagesOf({ header: { alg: name } })).toEqual([
        `alg: "alg" must be "PS256" or "EdDSA", and is "${name}"`,
      ])
    },
  )
})
