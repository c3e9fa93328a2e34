/**
 * An object of options, for the validation library.
 *
 * @module
 */

import * as v from 'valibot'
import { findSimilar } from './base/compare.ts'

/** An object that takes no unknown members, and says which one was probably meant, or why not here. */
export function object<const Entries extends v.ObjectEntries>(
  entries: Entries,
  misplaced: Readonly<Record<string, string>> = {},
): v.GenericSchema {
  const known = Object.keys(entries)
  return v.pipe(
    v.looseObject(entries),
    v.rawCheck(({ dataset, addIssue }) => {
      const { value } = dataset
      if (typeof value !== 'object' || value === null) return
      for (const key of Object.keys(value).filter((name) => !known.includes(name))) {
        const similar = findSimilar(key, known)
        const guess = similar ? `did you mean "${similar}"?` : `there are ${known.join(', ')}`
        addIssue({
          message: Object.hasOwn(misplaced, key)
            ? `${misplaced[key]}`
            : `is not an option: ${guess}`,
          path: [{ type: 'object', origin: 'value', input: { ...value }, key, value: undefined }],
        })
      }
    }),
  )
}
