/** Makes text of others, such as names and labels of images, harmless: it must not end a line or command the terminal. */

/** Control characters, the line separators of Unicode, and what turns the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

/** A colour or another rendition of text: all that less(1) lets through, too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what terminals take
const RENDITION = /(\u001b\[[\d;]*m)/;

/** The text on one line, each character that cannot be printed as a blank. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, ' ');
}

/** The same for a text of several lines that may hold tabs and renditions, such as a manual page. */
export function printableText(text: string): string {
  const keep = (part: string) =>
    part.replaceAll(UNPRINTABLE, (character) => (/[\n\t]/.test(character) ? character : ' '));
  return text
    .split(RENDITION)
    .map((part) => (RENDITION.test(part) ? part : keep(part)))
    .join('');
}

/** JSON says the same with these characters spelt out; it does so itself with those below the blank. */
export function printableJson(text: string): string {
  return text.replaceAll(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
