/**
 * The requests that an emulator refuses for what they are, whoever they are from.
 *
 * @module
 */

import type { IncomingMessage } from 'node:http'
import type { Preset } from '@countersign/core'
import type { BrokenEmulatorRule } from './emulator-rules.ts'
import { endpointPaths } from './endpoint-paths.ts'

/** Why a request is refused, and how. */
export interface RefusedRequest extends BrokenEmulatorRule {
  readonly endpoint: string
  readonly status: 403 | 404
  readonly reason: string
}

/** Finds what rules out a request. `issuerPath` is what the paths of all endpoints begin with. */
export function findRefusedRequest(
  { title, isUserAgentRequired, authorization }: Preset,
  { headers, url = '/' }: Pick<IncomingMessage, 'headers' | 'url'>,
  issuerPath: string,
): RefusedRequest | undefined {
  const [path = '/'] = url.split('?')
  if (isUserAgentRequired && !headers['user-agent']) {
    const message = 'every request must have a "User-Agent"'
    return { rule: 'user_agent', message, endpoint: path, status: 403, reason: 'Forbidden' }
  }
  const pushed = issuerPath.replace(/\/$/, '') + endpointPaths.pushed_authorization_request
  if (!authorization?.isPushRefused || path !== pushed) return undefined
  const message = `${title} has no Pushed Authorization Requests: send the parameters with the browser`
  const endpoint = 'pushed_authorization_request'
  return { rule: 'pushed', message, endpoint, status: 404, reason: 'Not Found' }
}
