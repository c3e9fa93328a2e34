/**
 * The shape of a preset of one's own, for the validation library.
 *
 * @module
 */

import * as v from 'valibot'
import { jwsAlgorithms } from './keys/algorithms.ts'
import { object } from './option-object.ts'

const text = v.pipe(v.string(), v.nonEmpty('must not be empty'))
const texts = v.array(text)
const some = <Item extends v.GenericSchema>(item: Item) =>
  v.pipe(v.array(item), v.minLength(1, 'must hold at least one'))
const seconds = v.pipe(
  v.number(),
  v.integer('must be whole seconds'),
  v.minValue(0, 'must not be negative'),
)
const alg = v.picklist(jwsAlgorithms)

const assertion = object({
  algs: some(alg),
  recommendedAlgs: v.optional(v.array(alg)),
  audience: some(text),
  typ: v.optional(some(text)),
  isTypOptional: v.optional(v.boolean()),
  kid: v.union([v.picklist(['thumbprint', 'explicit']), v.literal(false)]),
  kidRule: v.optional(v.picklist(['required', 'refused'])),
  certificate: v.optional(v.picklist(['x5t#S256', 'x5t', 'x5c'])),
  issuer: v.optional(object({ name: text, example: text })),
  lifetime: v.optional(
    v.pipe(seconds, v.minValue(1, 'must be at least 1'), v.maxValue(600, 'must be at most 600')),
  ),
  maxLifetime: v.optional(seconds),
  clockTolerance: v.optional(seconds),
  backdate: v.optional(seconds),
  required: v.optional(v.array(v.picklist(['iat', 'nbf', 'jti']))),
  ignored: v.optional(v.array(v.picklist(['iat', 'jti']))),
  isJtiSingleUse: v.optional(v.boolean()),
  isClientIdRequired: v.optional(v.boolean()),
})

const pattern = v.pipe(text, v.check(isPattern, 'must be a regular expression'))

/** A preset. */
export const preset: v.GenericSchema = object({
  name: v.pipe(text, v.regex(/^[a-z0-9-]{1,64}$/, 'may have a-z, 0-9 and "-"')),
  aliases: v.optional(texts),
  title: text,
  sources: some(v.pipe(text, v.check(URL.canParse, 'must be a URL'))),
  issuer: object({
    default: v.optional(text),
    example: text,
    refused: v.optional(object({ pattern, reason: text })),
  }),
  clientAuth: some(
    v.picklist([
      'private_key_jwt',
      'signed_client_secret',
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'none',
    ]),
  ),
  assertion: v.optional(assertion),
  authorization: v.optional(
    object({
      defaults: v.optional(v.record(v.string(), text)),
      required: v.optional(texts),
      refusedScopes: v.optional(texts),
      responseModes: v.optional(texts),
      prompts: v.optional(texts),
      minLengths: v.optional(object({ state: v.optional(seconds), nonce: v.optional(seconds) })),
      isPushRefused: v.optional(v.boolean()),
    }),
  ),
  acr: v.optional(
    object({
      parameter: v.optional(v.picklist(['acr_values', 'vtr'])),
      claim: v.optional(v.picklist(['acr', 'vot'])),
      components: v.optional(texts),
      levels: v.optional(texts),
    }),
  ),
  isIdTokenEncrypted: v.optional(v.boolean()),
  encryption: v.optional(object({ algs: some(text), enc: v.optional(text) })),
  userInfo: v.optional(v.picklist(['jwt', 'encrypted_jwt'])),
  idTokenAlgs: v.optional(some(alg)),
  isUserAgentRequired: v.optional(v.boolean()),
  registration: object({
    forms: v.array(v.picklist(['pem', 'certificate', 'jwks', 'jwks_uri', 'made_there'])),
    where: text,
    limit: v.optional(seconds),
    takesOneJwk: v.optional(v.boolean()),
    rsaSizes: v.optional(v.array(seconds)),
  }),
  logout: v.optional(v.array(v.picklist(['rp-initiated', 'back-channel', 'front-channel']))),
})

function isPattern(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp
  } catch {
    return false
  }
}
