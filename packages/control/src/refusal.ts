export type RefusalKind = 'refused' | 'wrong_usage'

/** A command that was not carried out, and left everything as it was. `refused`: try later; `wrong_usage`: ask differently. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly kind: RefusalKind
  readonly code: string
  readonly remedy: string

  constructor(kind: RefusalKind, code: string, { sentence, remedy }: { sentence: string; remedy: string }) {
    super(sentence)
    this.kind = kind
    this.code = code
    this.remedy = remedy
  }
}
