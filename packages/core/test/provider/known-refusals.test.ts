import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  findKnownRefusal,
  isKnownOfClients,
  knownRefusals,
} from '../../src/provider/known-refusals.ts'

const documentation = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')

test.each(knownRefusals)('"$text" of $from is found, and is in the documents', (known) => {
  expect(findKnownRefusal(`Client authentication failed. ${known.text} Trace ID: 1`)).toBe(known)
  const row = documentation
    .split('\n')
    .find((line) => line.startsWith(`| ${known.from} | \`${known.text}\``))
  expect(row?.split(' | ')[2]).toBe(`\`${known.rule}\``)
})

test.each(knownRefusals)(
  '"$text" of $from is about the client only where one provider says it',
  ({ from, text }) => {
    expect(isKnownOfClients(text)).toBe(from !== 'several')
  },
)

test.each([
  '',
  'Client authentication failed',
  'client authentication failed',
  'the request is malformed',
])('"%s" says nothing', (text) => {
  expect(findKnownRefusal(text)).toBeUndefined()
  expect(isKnownOfClients(text)).toBe(false)
})

test('a text is looked through without going back and forth, and only so far', () => {
  // A pattern that did would be at it for longer than a test may take
  for (const part of ['jti ', 'invalid ', 'AADSTS', 'client ', 'already been ']) {
    expect(() => findKnownRefusal(part.repeat(200_000))).not.toThrow()
  }
  expect(findKnownRefusal(`${' '.repeat(5000)}Token reuse detected`)).toBeUndefined()
})
