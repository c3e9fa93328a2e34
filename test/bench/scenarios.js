/**
 * What is measured in a suite: jobs for the load generator, each with the floor that it is compared to.
 *
 * @module
 */

import { bare, kindsOf, ours } from './suites.js'

export const algorithms = ['RS256', 'ES256']

/**
 * The processes to start. Logins have processes of their own, one for each key: code that ordinary
 * requests have warmed up would make one of the keys look cheaper.
 */
export function listProcesses(suite) {
  return [
    ...kindsOf(suite).map((kind) => ({ name: processOf(kind), kind })),
    { name: `${bare} login`, kind: bare },
    ...[ours, suite.peer].flatMap((kind) =>
      algorithms.map((alg) => ({ name: `${kind} ${alg}`, kind, alg })),
    ),
  ]
}

/** The process that answers ordinary requests. */
export function processOf(kind) {
  return `${kind} requests`
}

/** Requests, in µs of CPU over the floor. `cookies` names whose sessions are sent. */
export const requestScenarios = [
  { name: 'signed-in', title: 'Signed-in request, user read', path: '/me', session: true },
  // More sessions in turn than are remembered open: each is opened again
  {
    name: 'cold',
    title: 'Signed-in request, not seen lately',
    path: '/me',
    session: true,
    all: true,
  },
  { name: 'unread', title: 'Signed-in request, nothing read', path: '/plain', session: true },
  { name: 'anonymous', title: 'Anonymous request', path: '/me', cookies: 'none' },
  { name: 'unrelated', title: 'Anonymous, unrelated cookies', path: '/me', cookies: 'unrelated' },
]

/** Logins, in µs of CPU. */
export const loginScenarios = algorithms.map((alg) => ({
  name: `login ${alg}`,
  title: `Login, ${alg} client key`,
  alg,
}))

/** Where a login begins. */
export function loginPathOf({ peer, loginPath = '/login' }, kind) {
  return kind === peer ? loginPath : '/login'
}

/** Everything that is measured in one round, as `{ key, process, type, job }`. */
export function buildBatches(suite, { requests, logins, sessions }) {
  const { peer } = suite
  const login = (name, kind, process) => ({
    key: `${name}/${kind}`,
    process,
    type: 'login',
    job: { count: logins, path: loginPathOf(suite, kind) },
  })
  const ask = ({ name, path, cookies, session, all }, kind, sender = kind) => ({
    key: sender === kind ? `${name}/${kind}` : `${name}/${kind} for ${sender}`,
    process: processOf(kind),
    type: 'requests',
    job: {
      path,
      count: requests,
      cookies: session ? sender : cookies,
      among: session && !all ? sessions : undefined,
      expected: kind === bare || path !== '/me' ? 'anything' : session ? 'user' : 'nobody',
    },
  })
  return [
    // Neighbours in this list are compared: whatever slows the machine down meets all of them
    ...requestScenarios.flatMap((scenario) =>
      scenario.session
        ? [ours, peer].flatMap((kind) => [ask(scenario, bare, kind), ask(scenario, kind)])
        : kindsOf(suite).map((kind) => ask(scenario, kind)),
    ),
    login('login', bare, `${bare} login`),
    ...loginScenarios.flatMap(({ name, alg }) =>
      [ours, peer].map((kind) => login(name, kind, `${kind} ${alg}`)),
    ),
  ]
}

/** The key of the floor that a measurement is compared to. */
export function floorOf(key) {
  const [name, kind] = key.split('/')
  if (name.startsWith('login')) return `login/${bare}`
  const { session } = requestScenarios.find((scenario) => scenario.name === name)
  return session ? `${name}/${bare} for ${kind}` : `${name}/${bare}`
}
