/**
 * The members of a JSON object that a small text holds, such as config.json beside a model or a field of a header; null for any other text. Of headers,
 * where duplicate keys and sizes matter, formats/reading/strict-json.ts.
 */
export function jsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}
