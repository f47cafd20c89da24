/** The same text with the characters of comments replaced by spaces, so that lines and columns stay. */
export function blankComments(text: string): string {
  return text.replaceAll(TOKEN, (token) => (/^\/[/*]/.test(token) ? blank(token) : token));
}

/** Also without what strings in these quotes say. Template literals stay: they hold code. */
export function blankStrings(code: string, quotes: "\"'" | "'"): string {
  return code.replaceAll(TOKEN, (token) => (quotes.includes(token.charAt(0)) ? blank(token) : token));
}

function blank(token: string): string {
  return token.replaceAll(/[^\n]/g, " ");
}

const TOKEN = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/.*|\/\*[\s\S]*?\*\//g;
