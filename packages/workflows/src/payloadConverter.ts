import {
  type ConverterHint,
  DefaultPayloadConverter,
  type Payload,
  type SerializationContext,
} from '@temporalio/common'

/**
 * For workflow code only. A signal comes from people, by UI or CLI. One whose payload cannot be read would fail the
 * workflow task again and again, and nothing would ever clear it from the history: it is taken as a signal without input.
 */
class LenientPayloadConverter extends DefaultPayloadConverter {
  override fromPayload<T>(payload: Payload, context?: SerializationContext, hint?: ConverterHint<T>): T {
    try {
      return super.fromPayload<T>(payload, context, hint)
    } catch {
      return undefined as T
    }
  }
}

export const payloadConverter = new LenientPayloadConverter()
