/**
 * A print of a configuration: of what its file says before any variable is put in, and of the files that it names (afterLoad,
 * migrations, certificates), not of comments, order of keys or layout. Two that are the same make the same plan of the same ends.
 */
export function printOfConfig(_text: string, _file: string): Promise<string> {
  throw new Error('to be written');
}
