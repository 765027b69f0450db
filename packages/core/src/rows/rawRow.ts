/**
 * A raw row is one line of PostgreSQL's COPY text format, as a source yields it and the stage keeps it: five columns
 * parted by tabs, `\N` for NULL, backslash escapes (`\\ \t \n \r \b \f \v`), ended by a line feed, UTF-8.
 *
 *     updated_at <tab> id <tab> name <tab> payload <tab> deleted \n
 *
 * - updated_at: `YYYY-MM-DD HH:MM:SS[.fraction]`, in UTC, optionally followed by `+00`; a source may also yield `infinity`,
 *   `… BC` or years past 9999 (the filter rejects them). Equal timestamps of one read are equal bytes. NULL for files.
 * - id, name: text; a number as its exact text; NULL where the value was of another kind.
 * - payload: JSON text. deleted: text as in §2.
 */
export const rawRowColumns = ['updated_at', 'id', 'name', 'payload', 'deleted'] as const
