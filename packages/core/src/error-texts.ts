/**
 * Every error code, with the status that it has and the only text about it that a browser may see.
 *
 * @module
 */

/** The closed set of error codes. They are stable: a program may count on them. */
export type ErrorCode =
  | 'ERR_CONFIGURATION'
  | 'ERR_DISCOVERY'
  | 'ERR_JWKS'
  | 'ERR_PROVIDER_TIMEOUT'
  | 'ERR_PROVIDER_UNAVAILABLE'
  | 'ERR_PROVIDER_RESPONSE'
  | 'ERR_TOKEN_RESPONSE'
  | 'ERR_USERINFO'
  | 'ERR_AUTHENTICATION_RESPONSE'
  | 'ERR_LOGIN_REFUSED'
  | 'ERR_STATE'
  | 'ERR_TRANSACTION_MISSING'
  | 'ERR_ISS_MISMATCH'
  | 'ERR_LOGIN_REQUEST'
  | 'ERR_LOGIN_LOOP'
  | 'ERR_CROSS_SITE_REQUEST'
  | 'ERR_BODY_TOO_LARGE'
  | 'ERR_CONTENT_TYPE'
  | 'ERR_REQUEST_ABORTED'
  | 'ERR_ID_TOKEN'
  | 'ERR_ID_TOKEN_CLAIM'
  | 'ERR_SIGNATURE'
  | 'ERR_STEP_UP'
  | 'ERR_LOGOUT_TOKEN'
  | 'ERR_LOGOUT_REQUEST'
  | 'ERR_FORBIDDEN'
  | 'ERR_NOT_SIGNED_IN'
  | 'ERR_SESSION_ENDED'
  | 'ERR_TOKEN_NOT_KEPT'
  | 'ERR_SIGN_IN_AGAIN'
  | 'ERR_SESSION_STORE'
  | 'ERR_COOKIE_TOO_LARGE'
  | 'ERR_RESPONSE_STARTED'
  | 'ERR_KEY_UNAVAILABLE'
  | 'ERR_NO_KEY'
  | 'ERR_SIGN'

/** What an error code stands for: the reply's status, and the words for an End-User. */
export interface ErrorText {
  readonly status: number
  readonly title: string
  readonly publicMessage: string
}

const tryAgain = 'Nothing is lost. Please try to sign in again.'
const later = 'Sign-in is not possible right now. Please try again in a moment.'
const notYours = 'The problem is not on your side, and the people who run this site can see it.'

/** Every code, its HTTP status, and what a browser is told. */
export const errorTexts: Readonly<Record<ErrorCode, ErrorText>> = {
  ERR_CONFIGURATION: { status: 500, title: 'Sign-in is not set up', publicMessage: notYours },

  ERR_DISCOVERY: { status: 503, title: 'Sign-in is not available', publicMessage: later },
  ERR_JWKS: { status: 503, title: 'Sign-in is not available', publicMessage: later },
  ERR_PROVIDER_TIMEOUT: { status: 503, title: 'Sign-in is not available', publicMessage: later },
  ERR_PROVIDER_UNAVAILABLE: {
    status: 503,
    title: 'Sign-in is not available',
    publicMessage: later,
  },
  ERR_PROVIDER_RESPONSE: { status: 502, title: 'Sign-in failed', publicMessage: notYours },
  ERR_TOKEN_RESPONSE: { status: 502, title: 'Sign-in failed', publicMessage: notYours },
  ERR_USERINFO: { status: 502, title: 'Sign-in failed', publicMessage: notYours },

  ERR_AUTHENTICATION_RESPONSE: {
    status: 403,
    title: 'You were not signed in',
    publicMessage: 'Sign-in was cancelled or refused. You can try again, or go back to the site.',
  },
  ERR_LOGIN_REFUSED: {
    status: 403,
    title: 'You have no access here',
    publicMessage: 'You signed in, but this account may not use this site.',
  },

  ERR_STATE: { status: 400, title: 'This sign-in cannot be continued', publicMessage: tryAgain },
  ERR_TRANSACTION_MISSING: {
    status: 400,
    title: 'This sign-in cannot be continued',
    publicMessage:
      'Your browser did not send back the cookie that this sign-in started with. That happens when ' +
      'cookies are blocked, when the sign-in took longer than ten minutes, or when it was started at ' +
      'another address.',
  },
  ERR_ISS_MISMATCH: {
    status: 400,
    title: 'This sign-in cannot be continued',
    publicMessage: tryAgain,
  },
  ERR_LOGIN_REQUEST: {
    status: 400,
    title: 'This sign-in link is not valid',
    publicMessage: tryAgain,
  },
  ERR_LOGIN_LOOP: {
    status: 400,
    title: 'Sign-in does not stick',
    publicMessage:
      'You signed in several times within a minute, but your browser never kept the session. Please ' +
      'check that cookies are allowed for this site.',
  },
  ERR_CROSS_SITE_REQUEST: {
    status: 403,
    title: 'Another site sent this request',
    publicMessage: 'It was refused, and nothing has changed: you are still signed in.',
  },
  ERR_BODY_TOO_LARGE: {
    status: 413,
    title: 'That was too large',
    publicMessage: 'The request was larger than this page accepts.',
  },
  ERR_CONTENT_TYPE: {
    status: 415,
    title: 'That form cannot be read',
    publicMessage: 'The request was not in the form that this page accepts.',
  },
  ERR_REQUEST_ABORTED: { status: 400, title: 'The request broke off', publicMessage: tryAgain },

  ERR_ID_TOKEN: { status: 502, title: 'Sign-in failed', publicMessage: notYours },
  ERR_ID_TOKEN_CLAIM: { status: 502, title: 'Sign-in failed', publicMessage: notYours },
  ERR_SIGNATURE: { status: 502, title: 'Sign-in failed', publicMessage: notYours },
  ERR_STEP_UP: {
    status: 403,
    title: 'A stronger sign-in is needed',
    publicMessage:
      'The way you signed in is not enough for this page. Please try again with another method.',
  },
  ERR_LOGOUT_TOKEN: {
    status: 400,
    title: 'This logout request is not valid',
    publicMessage: 'The Logout Token was not accepted, and nothing has changed.',
  },
  ERR_LOGOUT_REQUEST: {
    status: 400,
    title: 'This logout request is not valid',
    publicMessage: 'It was not accepted, and nothing has changed.',
  },

  ERR_FORBIDDEN: {
    status: 403,
    title: 'You have no access here',
    publicMessage: 'You are signed in, but this page is not open to this account.',
  },
  ERR_NOT_SIGNED_IN: { status: 401, title: 'Please sign in', publicMessage: tryAgain },
  ERR_SESSION_ENDED: { status: 401, title: 'Your session has ended', publicMessage: tryAgain },
  ERR_TOKEN_NOT_KEPT: { status: 500, title: 'Something went wrong', publicMessage: notYours },
  ERR_SIGN_IN_AGAIN: { status: 401, title: 'Please sign in again', publicMessage: tryAgain },
  ERR_SESSION_STORE: {
    status: 503,
    title: 'This page is not available right now',
    publicMessage: 'You are not signed out, and nothing is lost. Please try again in a moment.',
  },
  ERR_COOKIE_TOO_LARGE: { status: 500, title: 'Sign-in failed', publicMessage: notYours },
  ERR_RESPONSE_STARTED: { status: 500, title: 'Something went wrong', publicMessage: notYours },

  ERR_KEY_UNAVAILABLE: { status: 503, title: 'Sign-in is not available', publicMessage: later },
  ERR_NO_KEY: { status: 503, title: 'Sign-in is not available', publicMessage: later },
  ERR_SIGN: { status: 503, title: 'Sign-in is not available', publicMessage: later },
}

/** What a page says where the provider does not accept this client: nothing that an End-User can change. */
export const clientRefusedText: Omit<ErrorText, 'status'> = {
  title: 'Sign-in is not possible right now',
  publicMessage: notYours,
}
