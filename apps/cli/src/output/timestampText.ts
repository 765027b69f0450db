/** A source's timestamp (UTC) in the form of all others: ISO 8601. Anything else, such as `infinity`, as it stands. */
export function timestampText(updatedAt: string): string {
  return updatedAt.replace(/^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:\+00)?$/, '$1T$2Z')
}
