/** Where people look at Temporal. */
export interface TemporalUi {
  url: string
  namespace: string
}

/** The page of a run in the Temporal UI, which chooses the tab itself: the timeline, in newer versions. */
export function temporalUrl(
  ui: TemporalUi | undefined,
  { workflowId, runId }: { workflowId: string; runId: string },
): string | undefined {
  if (ui === undefined) return undefined
  const path = ['namespaces', ui.namespace, 'workflows', workflowId, runId].map(encodeURIComponent).join('/')
  return `${ui.url.replace(/\/+$/, '')}/${path}`
}
