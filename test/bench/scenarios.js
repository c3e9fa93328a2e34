/**
 * What is measured: jobs for the load generator, each with the floor that it is compared to.
 *
 * @module
 */

/** The apps; the first one is the floor. */
export const bare = 'bare'
export const ours = 'countersign'
export const peer = 'express-openid-connect'
export const algorithms = ['RS256', 'ES256']

/**
 * The processes to start. Logins have processes of their own, one for each key: code that ordinary
 * requests have warmed up would make one of the keys look cheaper.
 */
export const processes = [
  ...[bare, ours, peer].map((kind) => ({ name: processOf(kind), kind })),
  { name: `${bare} login`, kind: bare },
  ...[ours, peer].flatMap((kind) =>
    algorithms.map((alg) => ({ name: `${kind} ${alg}`, kind, alg })),
  ),
]

/** The process that answers ordinary requests. */
export function processOf(kind) {
  return `${kind} requests`
}

/** Requests, in µs of CPU over the floor. `cookies` names whose sessions are sent. */
export const requestScenarios = [
  { name: 'signed-in', title: 'Signed-in request, user read', path: '/me', session: true },
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

/** Everything that is measured in one round, as `{ key, process, type, job }`. */
export function buildBatches({ requests, logins }) {
  const login = (name, process) => ({
    key: `${name}/${process.split(' ')[0]}`,
    process,
    type: 'login',
    job: { count: logins },
  })
  const ask = ({ name, path, cookies, session }, kind, sender = kind) => ({
    key: sender === kind ? `${name}/${kind}` : `${name}/${kind} for ${sender}`,
    process: processOf(kind),
    type: 'requests',
    job: {
      path,
      count: requests,
      cookies: session ? sender : cookies,
      expected: kind === bare || path !== '/me' ? 'anything' : session ? 'user' : 'nobody',
    },
  })
  return [
    // Neighbours in this list are compared: whatever slows the machine down meets all of them
    ...requestScenarios.flatMap((scenario) =>
      scenario.session
        ? [ours, peer].flatMap((kind) => [ask(scenario, bare, kind), ask(scenario, kind)])
        : [bare, ours, peer].map((kind) => ask(scenario, kind)),
    ),
    login('login', `${bare} login`),
    ...loginScenarios.flatMap(({ name, alg }) =>
      [ours, peer].map((kind) => login(name, `${kind} ${alg}`)),
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
