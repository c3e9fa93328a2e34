/**
 * What the checks look at: the app, taken apart, and answers that several of them read.
 *
 * @module
 */

import { performance } from 'node:perf_hooks'
import type { Signer } from '@countersign/core'
import type { Inspection } from '@countersign/core/inspection'
import type { Surroundings } from '../surroundings.ts'
import { type Answer, visit } from './visit.ts'

/** What the checks look at. */
export interface Examination {
  readonly inspection: Inspection
  /** Where the provider's metadata is. */
  readonly metadataUrl: string
  /** How long one request may take. */
  readonly milliseconds: number
  /** The provider's answer at that URL, whatever it is. */
  metadataAnswer(): Promise<MetadataAnswer>
  /** The key that signs, and how long it took to get. */
  signer(): Promise<{ readonly signer: Signer; readonly took: number }>
  /** What the app answers at its login route, as a browser sees it. */
  loginAnswer(): Promise<Answer>
}

/** An answer, and when it was asked for. */
export interface MetadataAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** NumericDate, with a fraction. */
  readonly sentAt: number
  readonly receivedAt: number
}

/** Creates an examination. What several checks ask for is asked for once. */
export function createExamination(
  inspection: Inspection,
  { now }: Pick<Surroundings, 'now'>,
  { milliseconds }: { readonly milliseconds: number },
): Examination {
  const { issuer, loginUrl } = inspection
  const metadataUrl = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

  async function fetchMetadata(): Promise<MetadataAnswer> {
    const sentAt = now()
    const answer = await inspection.fetch(metadataUrl, {
      method: 'GET',
      headers: { accept: 'application/json' },
      redirect: 'manual',
    })
    const receivedAt = now()
    const { status, headers } = answer
    return { status, headers, text: await answer.text(), sentAt, receivedAt }
  }

  async function readSigner() {
    const started = performance.now()
    const signer = await inspection.signer()
    return { signer, took: performance.now() - started }
  }

  return {
    inspection,
    metadataUrl,
    milliseconds,
    metadataAnswer: once(fetchMetadata),
    signer: once(readSigner),
    loginAnswer: once(() => visit(loginUrl ?? '', { headers: navigation, milliseconds })),
  }
}

/** What a browser sends when somebody opens a page. */
export const navigation: Readonly<Record<string, string>> = {
  accept: 'text/html',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
  'sec-fetch-site': 'none',
  'user-agent': 'countersign doctor',
}

function once<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let answer: Promise<Value> | undefined
  return () => {
    answer ??= ask()
    return answer
  }
}
