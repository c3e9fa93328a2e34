/**
 * What a preset says, as a row of the tables in docs/presets.md.
 *
 * @module
 */

import type {
  AssertionDemands,
  AuthorizationDemands,
  KeyForm,
  LogoutKind,
  Preset,
} from '@countersign/core'

/** The row of the table "The presets". */
export function buildRow(preset: Preset): string {
  const { name, aliases = [], assertion, registration, sources } = preset
  const cells = [
    list([name, ...aliases]),
    registration.forms.map((form) => forms[form]).join(', '),
    assertion ? describeAlgs(assertion) : '',
    assertion?.audience.map((audience) => audiences[audience] ?? code(audience)).join(', '),
    assertion ? describeKid(assertion) : '',
    assertion?.maxLifetime === undefined ? '' : `${group(assertion.maxLifetime)} s`,
    [...(assertion ? describeAssertion(assertion, preset) : []), ...describeRest(preset)].join(
      '; ',
    ),
    sources.map((source, index) => `[${index + 1}](${source})`).join(' '),
  ]
  return buildLine(cells)
}

/** The row of the table "More of each". */
export function buildMoreRow({ name, issuer, clientAuth, logout, registration }: Preset): string {
  const cells = [
    code(name),
    code(issuer.example) + (issuer.default === undefined ? '' : ', unless given'),
    list(clientAuth),
    registration.where,
    logout?.map((kind) => logouts[kind]).join(', '),
  ]
  return buildLine(cells)
}

function buildLine(cells: readonly (string | undefined)[]): string {
  return `| ${cells.map((cell) => cell || '–').join(' | ')} |`
}

const code = (text: string) => `\`${text}\``

const list = (texts: readonly string[]) => texts.map(code).join(', ')

const forms: Readonly<Record<KeyForm, string>> = {
  jwks_uri: 'JWK Set URL',
  jwks: 'JWK Set',
  pem: 'PEM',
  certificate: 'certificate',
  made_there: 'made there',
}

const logouts: Readonly<Record<LogoutKind, string>> = {
  'rp-initiated': 'from the app',
  'back-channel': 'back-channel',
  'front-channel': 'front-channel',
}

const audiences: Readonly<Record<string, string>> = {
  issuer: 'issuer',
  token_endpoint: 'token endpoint',
  called_endpoint: 'URL that is called',
}

function describeAlgs({ algs, recommendedAlgs }: AssertionDemands): string {
  return listAlgs(algs) + (recommendedAlgs ? `; advised: ${listAlgs(recommendedAlgs)}` : '')
}

/** `RS, ES256–512`: a family of three is one, and what goes for several is said once. */
function listAlgs(algs: readonly string[]): string {
  const families = ['RS', 'PS', 'ES'].filter((family) =>
    ['256', '384', '512'].every((size) => algs.includes(family + size)),
  )
  const whole = families.length > 0 ? [`${families.join(', ')}256–512`] : []
  const single = algs.filter((alg) => !families.includes(alg.slice(0, 2)))
  return [...whole, ...single].join(', ')
}

function describeKid({ kid, kidRule }: AssertionDemands): string {
  const sent = { thumbprint: 'sent', explicit: 'the one given to the key', false: 'none' }
  const rules = { required: ', demanded', refused: ', refused' }
  return sent[`${kid}`] + (kidRule ? rules[kidRule] : '')
}

function describeAssertion(demands: AssertionDemands, { clientAuth }: Preset): readonly string[] {
  const { typ, certificate, issuer, lifetime, backdate, required, ignored } = demands
  return [
    clientAuth[0] === 'signed_client_secret' && '`client_secret` is the signed JWT',
    typ && describeTyp(demands),
    certificate && `${code(certificate)}: \`assertion.certificate\``,
    issuer && `\`iss\` the ${issuer.name}: \`assertion.issuer\``,
    lifetime !== undefined && `${lifetime} s are sent`,
    backdate !== undefined && `\`iat\` set back by ${backdate} s`,
    demands.clockTolerance !== undefined && `clocks may differ by ${demands.clockTolerance} s`,
    required && list(required),
    ignored && `${list(ignored)} not looked at`,
    demands.isJtiSingleUse && 'each `jti` once',
    demands.isClientIdRequired && '`client_id` in the form',
  ].filter((each) => typeof each === 'string')
}

function describeTyp({ typ = [''], isTypOptional }: AssertionDemands): string | undefined {
  const alone = describeParameter('typ', { typ: typ[0] }, typ)
  return isTypOptional ? alone?.replace(/ alone$/, ' or none') : alone
}

function describeRest(preset: Preset): readonly string[] {
  const { issuer, authorization = {}, registration, idTokenAlgs } = preset
  const { defaults = {}, required = [], refusedScopes, responseModes, prompts } = authorization
  return [
    preset.assertion === undefined && 'a client secret alone',
    registration.limit !== undefined && `${registration.limit} keys at most`,
    registration.rsaSizes && `RSA keys of ${registration.rsaSizes.join(' or ')} bits`,
    issuer.refused && 'one tenant',
    preset.isUserAgentRequired && 'a `User-Agent`',
    describeAcr(preset),
    describeParameter('prompt', defaults, prompts),
    describeParameter('response_mode', defaults, responseModes),
    describeParameter('scope', defaults),
    refusedScopes && `no scope ${list(refusedScopes)}`,
    ...required.filter((name) => name !== 'acr_values').map((name) => `${code(name)} demanded`),
    idTokenAlgs && `ID Tokens with ${idTokenAlgs.join(', ')}`,
    preset.isIdTokenEncrypted && describeEncryption(preset),
    preset.userInfo && `UserInfo ${userInfos[preset.userInfo]}`,
    ...describeLengths(authorization),
    authorization.isPushRefused && 'no PAR',
  ].filter((each) => typeof each === 'string')
}

const userInfos = { jwt: 'signed', encrypted_jwt: 'signed and encrypted' } as const

function describeEncryption({ encryption }: Preset): string {
  const algs = encryption ? ` by ${encryption.algs.join(', ')}` : ''
  const enc = encryption?.enc ? ` with ${encryption.enc}` : ''
  return `ID Tokens encrypted${algs}${enc}: \`idToken.decryptionKey\``
}

function describeLengths({ minLengths = {} }: AuthorizationDemands): readonly string[] {
  return Object.entries(minLengths).map(([name, least]) =>
    least === 1 ? `${code(name)} demanded` : `${code(name)} of ${least} characters at least`,
  )
}

/** What is sent, and what else is accepted. */
function describeParameter(
  name: string,
  defaults: Readonly<Record<string, string>>,
  accepted?: readonly string[],
): string | undefined {
  const value = defaults[name]
  if (value === undefined) return accepted && `${code(name)} ${list(accepted)} alone`
  const others = accepted?.filter((each) => each !== value) ?? []
  return [code(`${name}: ${value}`), ...others.map(code)].join(' or ') + (accepted ? ' alone' : '')
}

function describeAcr({ acr, authorization = {} }: Preset): string | undefined {
  const { defaults = {}, required = [] } = authorization
  const value = defaults['acr_values']
  if (!acr && value === undefined && !required.includes('acr_values')) return undefined
  const { parameter = 'acr_values', claim = 'acr', components, levels } = acr ?? {}
  const answer = components ? `the ${list(components)} of ${code(claim)}` : code(claim)
  return [
    code(value === undefined ? parameter : `${parameter}: ${value}`),
    ...(required.includes('acr_values') ? ['demanded'] : []),
    ...(acr ? [`checked by ${answer}`] : []),
    ...(levels ? [`of ${levels.map(code).join(' < ')}`] : []),
  ].join(', ')
}

/** As 15 777 000. */
function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}
