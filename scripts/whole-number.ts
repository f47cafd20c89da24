/** The value of an option of a script; ends the process, as wrong use does, when it is no whole number. */
export function wholeNumber(option: string, text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  console.error(`${option} takes a whole number, not "${text}"`);
  process.exit(64);
}
