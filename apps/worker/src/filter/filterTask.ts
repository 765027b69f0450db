import type { BatchRef } from '@sluice/core/batch/batchRef'
import type { FaultCode } from '@sluice/core/faults'
import type { AccountSchema, OnTypeMismatch } from '@sluice/core/schema/accountSchema'
import type { SchemaFilterResult } from '@sluice/workflows/activities'

/** What goes to a filter thread. Small: the thread reads the rows from the stage itself. */
export interface FilterTask {
  raw: BatchRef
  schema: AccountSchema
  onTypeMismatch: OnTypeMismatch
}

/** What comes back. Faults are values here, because an error's class does not survive the way between threads. */
export type FilterAnswer = { result: SchemaFilterResult } | { fault: { code: FaultCode; detail?: string } }
