/** One text a series: equal exactly for equal names and label sets. */
export function textKey(name: string, labels: Readonly<Record<string, string>>): string {
  const keys = Object.keys(labels).sort();
  let key = name;
  for (const label of keys) key += `\u0001${label}\u0002${labels[label]}`;
  return key;
}
