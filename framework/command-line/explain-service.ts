export function explainService(): number {
  return 0;
}
