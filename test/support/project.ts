/** Where the project is. */

/** The directory with package.json. */
export const PROJECT = new URL('../..', import.meta.url).pathname.replace(/\/$/, '');
