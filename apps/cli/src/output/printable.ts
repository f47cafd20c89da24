/**
 * Text from elsewhere, safe to show: control and formatting characters, which
 * could rewrite a terminal, become "?".
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}
