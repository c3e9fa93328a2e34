/**
 * Many questions to a store, some at once: all of them would be a burst that other requests wait behind.
 *
 * @module
 */

/** How many are asked at once. */
const size = 16

/** Acts on each item, a few at a time, and returns the results in their order. */
export async function inBatches<Item, Value>(
  items: readonly Item[],
  act: (item: Item) => Promise<Value>,
): Promise<readonly Value[]> {
  const results: Value[] = []
  for (let start = 0; start < items.length; start += size) {
    results.push(...(await Promise.all(items.slice(start, start + size).map(act))))
  }
  return results
}
