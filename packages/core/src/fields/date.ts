import { datetimeFromNumber, datetimeFromText } from './datetime.ts'

/** §3. `YYYY-MM-DD`, out of a date or of a datetime at exactly midnight UTC. */
export function dateFromText(text: string): string | undefined {
  return midnight(datetimeFromText(text))
}

/** §3. `number` is the text of a number: Unix seconds of a midnight UTC. */
export function dateFromNumber(number: string): string | undefined {
  return midnight(datetimeFromNumber(number))
}

function midnight(datetime: string | undefined): string | undefined {
  return datetime !== undefined && /T00:00:00(?:\.0+)?Z$/.test(datetime) ? datetime.slice(0, 10) : undefined
}
