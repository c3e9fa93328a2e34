/**
 * What is compared: for each framework the app without login, with ours, and with what others use there.
 *
 * @module
 */

/** The kind of app that is the floor of every suite. */
export const bare = 'bare'

/** The kind of app with our adapter. The third kind is the suite's peer. */
export const ours = 'countersign'

/**
 * The suites by framework. `peer` names the app's file and `packages` what it needs besides the
 * framework; `loginPath` is where the peer's login begins, if not at `/login`. The notes say what the
 * figures do not: what a peer leaves out, or does besides.
 */
export const suites = {
  express: {
    framework: 'express',
    title: 'Express',
    peer: 'express-openid-connect',
    packages: ['express-openid-connect'],
    notes: [
      'express-openid-connect does not verify the signature of the ID Token in this flow.',
      'Its session holds the tokens, and is sealed again for every response.',
    ],
  },
  koa: {
    framework: 'koa',
    title: 'Koa',
    peer: 'koa-session',
    packages: ['koa-session', 'grant'],
    loginPath: '/connect/bench',
    notes: [
      'The session of koa-session is signed and not encrypted.',
      'grant does not verify the signature of the ID Token, nor its `iss` and `exp`.',
    ],
  },
  fastify: {
    framework: 'fastify',
    title: 'Fastify',
    peer: 'secure-session',
    packages: ['@fastify/secure-session', '@fastify/oauth2'],
    notes: [
      'The peer’s login has a client secret in both rows: @fastify/oauth2 has no `private_key_jwt`.',
      'It has no `nonce` either, and the app reads the ID Token without any check.',
    ],
  },
}

/** The apps of a suite, the floor first. */
export function kindsOf({ peer }) {
  return [bare, ours, peer]
}

/** How a kind of app is called in a report. */
export function titleOf({ peer, packages, title }, kind) {
  if (kind === bare) return `${title} alone`
  return kind === peer ? packages.join(' and ') : 'Countersign'
}

/** The adapter that a suite measures. */
export function adapterOf({ framework }) {
  return `@countersign/${framework}`
}
