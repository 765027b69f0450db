/** §2. Why a row is rejected, each with the sentence that people read in the quarantine. */
export const rejections = {
  invalid_id: 'ID must be text or a number of 1 to 255 characters without control characters.',
  invalid_name: 'NAME must be text of 1 to 5,000 characters.',
  invalid_payload: 'PAYLOAD must be one JSON object (RFC 8259).',
  payload_too_large: 'PAYLOAD must not be larger than 1 MiB (1,048,576 bytes of UTF-8).',
  too_many_fields: 'PAYLOAD must not have more than 250 top-level keys.',
  payload_too_deep: 'PAYLOAD must not be nested more than 100 levels deep.',
  invalid_deleted: 'DELETED must be a boolean or one of true/false/t/f/yes/no/y/n/1/0.',
  missing_updated_at: 'UPDATED_AT must not be NULL.',
  invalid_updated_at: 'UPDATED_AT must be a finite timestamp from year 1 to 9999.',
  type_mismatch: 'A field does not fit its type, and the sync says `on_type_mismatch: reject_row`.',
  missing_required: 'A required field is null, or is missing for an account that does not exist yet.',
} as const

export type RejectionCode = keyof typeof rejections
