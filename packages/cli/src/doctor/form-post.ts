/**
 * Answers that another site posts: their login's cookie is `SameSite=None`, which has to be `Secure`.
 *
 * @see OAuth 2.0 Form Post Response Mode
 *
 * @module
 */

import type { Inspection } from '@countersign/core/inspection'

/** Whether a provider answers with a form unless it is told otherwise. */
export function isFormPosted(preset: Inspection['preset']): boolean {
  return preset?.authorization?.defaults?.['response_mode'] === 'form_post'
}

/** What that means for an app at plain http, and what to do. */
export const unkeepable = {
  means:
    'The cookie of such a login is SameSite=None; Secure: browsers do not keep it over plain http, or only Chromium does, at localhost.',
  fix: 'Set OIDC_BASE_URL to an https URL, on this machine that of a tunnel or a proxy.',
}
