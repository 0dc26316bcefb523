/** Random numbers that a seed decides. */
export interface Random {
  /** 0 ≤ x < 1 */
  fraction(): number
  /** 0 ≤ n < limit */
  below(limit: number): number
  pick<T>(items: readonly [T, ...T[]]): T
  bytes(length: number): Buffer
}

/** mulberry32: 32 bits of state are plenty for test data. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let word = Math.imul(state ^ (state >>> 15), state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return (word ^ (word >>> 14)) >>> 0
  }
  const random: Random = {
    fraction: () => next() / 2 ** 32,
    below: (limit) => Math.floor(random.fraction() * limit),
    pick: (items) => items[random.below(items.length)] ?? items[0],
    bytes: (length) => {
      const words = new Uint32Array(Math.ceil(length / 4))
      for (let i = 0; i < words.length; i++) words[i] = next()
      return Buffer.from(words.buffer, 0, length)
    },
  }
  return random
}
