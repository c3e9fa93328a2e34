/**
 * A black box: the same requests to each example get the same answers, field by field.
 *
 * To compare any other app with the Express example, start it as a client of a provider that this test
 * will start on port 4600, and say where it is:
 *
 *     OIDC_ISSUER=http://127.0.0.1:4600 OIDC_CLIENT_ID=black-box OIDC_CLIENT_KEY=file:./client-key.pem \
 *     OIDC_BASE_URL=http://localhost:3000 OIDC_SESSION_SECRET=$(openssl rand -hex 32) node server.js
 *
 *     BLACK_BOX_URL=http://localhost:3000 npx vitest run --project e2e test/e2e/examples-alike.test.ts
 */

import { startProvider } from '@countersign/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { exampleNames, registerApp, startRegisteredExample } from '../support/examples.ts'
import { readTranscript, type Transcript } from './support/black-box.ts'

/** A field in which an app may differ from the Express example, and why. */
interface Difference {
  readonly apps: readonly string[]
  readonly request: RegExp
  readonly field: RegExp
  readonly reason: string
}

/** All of them. They are explained in the documents, too. */
const differences: readonly Difference[] = [
  {
    apps: ['koa', 'fastify'],
    request: /^HEAD \/logout$/,
    field: /^header content-length$/,
    reason: 'an answer to HEAD may leave it out (RFC 9110, 8.6), and the body of this one is empty',
  },
  {
    apps: ['fastify'],
    request: /^/,
    field: /^header keep-alive$/,
    reason:
      'of one connection, not of an answer: Fastify keeps idle ones for 72 seconds, Node for 5',
  },
  {
    apps: ['fastify'],
    request: /^(\/profile\/|\/PROFILE|\/%70rofile|\/%zz) /,
    field: /^/,
    reason:
      'which other spellings of a path lead to the same page is for the router of a framework',
  },
  {
    apps: ['fastify'],
    request: /^broken JSON to /,
    field: /^/,
    reason: 'Fastify parses a JSON body before it looks whether anybody wants it, and answers 400',
  },
]

const blackBoxUrl = process.env['BLACK_BOX_URL']
const others = blackBoxUrl === undefined ? exampleNames.slice(1) : ['black-box']

describe('the answers of the Express example', () => {
  const transcripts = new Map<string, Transcript>()

  beforeAll(async () => {
    const port = blackBoxUrl === undefined ? 0 : 4600
    const provider = await startProvider({ interaction: 'auto', port })
    try {
      const names = blackBoxUrl === undefined ? exampleNames : (['express'] as const)
      for (const name of names) {
        const example = await startRegisteredExample(name, provider)
        try {
          transcripts.set(name, await readTranscript(example.url))
        } finally {
          await example.stop()
        }
      }
      if (blackBoxUrl !== undefined) {
        const url = blackBoxUrl.replace(/\/$/, '')
        await registerApp(provider, 'black-box', url)
        transcripts.set('black-box', await readTranscript(url))
      }
    } finally {
      await provider.close()
    }
  }, 60_000)

  test.each(others)('are those of %s', (name) => {
    const unexplained = compare(name).filter((found) => !explain(name, found))
    expect(unexplained.map(write)).toEqual([])
  })

  test.skipIf(blackBoxUrl !== undefined)('differ nowhere for a reason that is gone', () => {
    const stale = differences.filter(
      (difference) =>
        !others.some((name) =>
          compare(name).some((found) => isExplainedBy(difference, name, found)),
        ),
    )
    expect(stale).toEqual([])
  })

  function compare(name: string): readonly Found[] {
    const [express, other] = [transcripts.get('express'), transcripts.get(name)]
    if (!express || !other) throw new Error(`there is no transcript of ${name}`)
    const found: Found[] = []
    for (const request of new Set([...express.keys(), ...other.keys()])) {
      const [expected = {}, actual = {}] = [express.get(request), other.get(request)]
      for (const field of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
        const [before, after] = [expected[field], actual[field]]
        if (before !== after) found.push({ request, field, expected: before, actual: after })
      }
    }
    return found
  }
})

/** A field in which an app answered otherwise. */
interface Found {
  readonly request: string
  readonly field: string
  readonly expected: string | undefined
  readonly actual: string | undefined
}

function explain(app: string, found: Found): Difference | undefined {
  return differences.find((difference) => isExplainedBy(difference, app, found))
}

function isExplainedBy({ apps, request, field }: Difference, name: string, found: Found): boolean {
  const isOfApp = apps.includes(name) || name === 'black-box'
  return isOfApp && request.test(found.request) && field.test(found.field)
}

function write({ request, field, expected = '(absent)', actual = '(absent)' }: Found): string {
  // A page is long: from a little before they part
  const parting = [...expected].findIndex((character, index) => character !== actual[index])
  const cut = (text: string) => text.slice(Math.max(0, parting - 40), Math.max(0, parting) + 80)
  return `${request} › ${field}: expected ${cut(expected)}, got ${cut(actual)}`
}
