/**
 * The shape of the options, for the validation library; what they mean together is checked in
 * `config.ts`.
 *
 * @module
 */

import * as v from 'valibot'
import type { ConfigurationIssue } from './errors.ts'
import { object } from './option-object.ts'
import type { MultiProviderOptions } from './options.ts'
import { preset } from './preset-schema.ts'

const text = v.pipe(v.string(), v.nonEmpty('must not be empty'))
const list = <Item extends v.GenericSchema>(item: Item) => v.union([item, v.array(item)])
const callback = v.function()
const url = v.union([text, v.instance(URL)])
const seconds = v.pipe(
  v.number(),
  v.integer('must be whole seconds'),
  v.minValue(1, 'must be at least 1'),
)
const path = v.pipe(
  v.string(),
  v.regex(
    /^\/(?!\/)[^?#\\\s]*$/,
    'must be a path that starts with one "/", without query or fragment',
  ),
)
const optionalPath = v.optional(v.union([path, v.literal(false)]))
const timeLimit = v.pipe(
  v.number(),
  v.minValue(0.1, 'must be at least 0.1'),
  v.maxValue(60, 'must be at most 60'),
)
const store = v.custom<object>(
  (input) => findMissingMethod(input) === undefined,
  ({ input }) => describeStore(input),
)
const members = v.record(v.string(), v.unknown())

const clientAuth = v.union(
  [
    v.picklist(['private_key_jwt', 'signed_client_secret']),
    callback,
    object({ method: v.literal('none') }),
    object({
      method: v.picklist(['client_secret_basic', 'client_secret_post', 'client_secret_jwt']),
      secret: text,
    }),
  ],
  'must be "private_key_jwt", clientSecretBasic(…), clientSecretPost(…), clientSecretJwt(…), none() or a function',
)

const idToken = object({
  alg: v.optional(list(text)),
  decryptionKey: v.optional(v.unknown()),
  clockTolerance: v.optional(
    v.pipe(
      v.number(),
      v.minValue(0, 'must not be negative'),
      v.maxValue(300, 'must be at most 300'),
    ),
  ),
  trustedAudiences: v.optional(v.array(text)),
})

const http = object({
  timeout: v.optional(timeLimit),
  userAgent: v.optional(v.pipe(text, v.regex(/^[\x20-\x7e]+$/, 'must be printable ASCII'))),
  fetch: v.optional(callback),
  ca: v.optional(list(text)),
  proxy: v.optional(text),
})

const session = object({
  secret: list(v.string()),
  store: v.optional(v.union([v.literal('framework'), store], ({ input }) => describeStore(input))),
  storeTimeout: v.optional(timeLimit),
  storeFailure: v.optional(v.picklist(['refuse', 'anonymous'])),
  lock: v.optional(callback),
  maxSessions: v.optional(
    v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1')),
  ),
  refusedRefresh: v.optional(v.picklist(['end', 'sign-in'])),
  cookie: v.optional(
    object({
      name: v.optional(
        v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/, 'may have letters, digits, "_" and "-"')),
      ),
      domain: v.optional(
        v.pipe(
          v.string(),
          v.regex(/^[a-z0-9.-]+$/i, 'must be a host name, without scheme and port'),
        ),
      ),
      path: v.optional(path),
      sameSite: v.optional(v.picklist(['lax', 'none', 'strict'])),
    }),
  ),
  idleTimeout: v.optional(seconds),
  lifetime: v.optional(seconds),
  keep: v.optional(v.array(v.picklist(['idToken', 'accessToken', 'refreshToken']))),
})

/** What may be said of each provider, or of all. */
const ofProviders = {
  provider: v.optional(v.lazy((input) => (typeof input === 'string' ? text : preset))),
  // Its many forms have a reader of their own
  clientKey: v.optional(v.unknown()),
  clientAuth: v.optional(clientAuth),
  assertion: v.optional(
    object({
      audience: v.optional(text),
      lifetime: v.optional(v.pipe(seconds, v.maxValue(600, 'must be at most 600'))),
      typ: v.optional(v.union([text, v.literal(false)])),
      kid: v.optional(v.union([text, v.literal(false)])),
      issuer: v.optional(text),
      certificate: v.optional(list(text)),
      header: v.optional(members),
      claims: v.optional(members),
    }),
  ),
  authorization: v.optional(v.union([callback, members])),
  userInfo: v.optional(v.boolean()),
  idToken: v.optional(idToken),
  http: v.optional(http),
}

const ofApp = {
  baseUrl: url,
  session,
  logout: v.optional(object({ store: v.optional(store) })),
  routes: v.optional(
    object({
      login: optionalPath,
      callback: v.optional(path),
      logout: optionalPath,
      jwks: optionalPath,
      backchannelLogout: optionalPath,
      frontchannelLogout: optionalPath,
      session: optionalPath,
    }),
  ),
  onLogin: v.optional(callback),
  onError: v.optional(callback),
  onEvent: v.optional(callback),
}

// A preset may know the issuer
const identity = { issuer: v.optional(url), clientId: text }

/** The options, as far as each can be judged alone. */
const schema = object(
  { ...identity, ...ofProviders, ...ofApp },
  { resolve: 'needs "providers": it says which one of them a request belongs to' },
)

const ofAll = 'is the same for all providers: move it to the top'
const provider = object(
  { ...identity, ...ofProviders, label: v.optional(text) },
  Object.fromEntries(Object.keys(ofApp).map((name) => [name, ofAll])),
)

/** The same for an app with several providers. */
const ofOne = 'belongs to one provider: did you mean "providers.<id>.'
const multiProviderSchema = object(
  {
    ...ofProviders,
    ...ofApp,
    // Each of them is checked together with what they share
    providers: v.custom<object>(
      (input) =>
        typeof input === 'function' ||
        (typeof input === 'object' && input !== null && !Array.isArray(input)),
      'must be providers by their ids, or a function that looks one up',
    ),
    resolve: v.optional(callback),
  },
  Object.fromEntries(['issuer', 'clientId', 'label'].map((name) => [name, `${ofOne}${name}"?`])),
)

/** The faults of one provider of several. */
export function findProviderFaults(options: unknown): ConfigurationIssue[] {
  return findFaults(provider, options)
}

/** Finds every fault of the options' shape. Messages never hold a value, which may be a secret. */
export function findShapeFaults(options: unknown): ConfigurationIssue[] {
  return findFaults(hasProviders(options) ? multiProviderSchema : schema, options)
}

/** Whether options are those of an app with several providers. */
export function hasProviders(options: unknown): options is MultiProviderOptions {
  return (
    typeof options === 'object' &&
    options !== null &&
    'providers' in options &&
    options.providers !== undefined
  )
}

function findFaults(shape: v.GenericSchema, options: unknown): ConfigurationIssue[] {
  const result = v.safeParse(shape, options)
  return (result.issues ?? []).map((issue) => ({
    path: buildPath(issue),
    message: describe(issue),
  }))
}

function buildPath(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? []).reduce((path, { key }) => {
    if (typeof key === 'number') return `${path}[${key}]`
    return path === '' ? String(key) : `${path}.${String(key)}`
  }, '')
}

function describe(issue: v.BaseIssue<unknown>): string {
  if (issue.kind === 'validation') return issue.message
  if (issue.input === undefined) return 'is required'
  if (issue.message.startsWith('must be ')) return issue.message
  return `must be ${issue.expected}, and is ${describeType(issue.input)}`
}

function describeType(input: unknown): string {
  if (input === null) return 'null'
  if (Array.isArray(input)) return 'a list'
  if (typeof input === 'string') return 'another string'
  return typeof input === 'object' ? 'an object' : `a ${typeof input}`
}

const storeMethods = ['get', 'set', 'destroy'] as const

function findMissingMethod(input: unknown): string | undefined {
  const members = (typeof input === 'object' && input !== null ? input : {}) as Partial<
    Record<string, unknown>
  >
  return storeMethods.find((name) => typeof members[name] !== 'function')
}

function describeStore(input: unknown): string {
  const demand = 'must be a store made for express-session'
  if (typeof input !== 'object' || input === null) return `${demand}, and is ${describeType(input)}`
  return `${demand}, and has no ${findMissingMethod(input)}()`
}
