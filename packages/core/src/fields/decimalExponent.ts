/** PostgreSQL's numeric reads exponents up to here, whatever the digits before them are. */
const exponentMax = 1_073_741_823

/** The value of an exponent's text, `-5`, `+5` or `5`; ±Infinity past what PostgreSQL's numeric reads. */
export function decimalExponent(text: string): number {
  const exponent = Number(text)
  return Math.abs(exponent) > exponentMax ? Math.sign(exponent) * Number.POSITIVE_INFINITY : exponent
}
