import { useState } from "react";

/**
 * What a field shows while its value is on the way into the address. The address changes a moment after the event, and a
 * field bound to it directly would jump back meanwhile, in the middle of a date being typed. Whenever the address changes,
 * by whatever means, the field follows it.
 */
export function useDraft(applied: string): [shown: string, setDraft: (text: string) => void] {
  const [draft, setDraft] = useState({ text: applied, basis: applied });
  if (draft.basis !== applied) setDraft({ text: applied, basis: applied });
  return [draft.basis === applied ? draft.text : applied, (text) => setDraft({ text, basis: applied })];
}
