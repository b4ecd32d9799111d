/** The vocabulary of the sample: a collection of Victorian books. */

export const firstNames = list(`
  Alfred, Anne, Anthony, Augusta, Charles, Charlotte, Christina, Edward, Eliza, Elizabeth, Emily, Frances, George,
  Harriet, Henry, Jane, John, Leigh, Margaret, Mary, Robert, Thomas, Walter, William
`);

export const lastNames = list(`
  Ainsworth, Arnold, Barrett, Bulwer, Carlyle, Clough, Collins, Craik, Edgeworth, Ewing, Gaskell, Gissing, Hemans,
  Jefferies, Kingsley, Lamb, Landor, Lever, Linton, Marryat, Meredith, Morris, Oliphant, Pater, Reade, Rossetti,
  Ruskin, Thackeray, Trollope, Yonge
`);

export const nouns = list(`
  Abbey, Anniversary, Castle, Cathedral, Fortune, Garden, Heiress, Journey, Lighthouse, Manor, Marriage, Memoir,
  Moor, Orchard, Parish, Portrait, River, Schoolmaster, Tower, Voyage, Widow, Winter
`);

export const adjectives = list(`
  Ancient, Broken, Distant, Faithful, Forgotten, Golden, Hidden, Last, Lonely, Modern, Northern, Quiet, Silent,
  Unlikely, Wandering, Withered
`);

export const houses = list(`
  Ashdown, Bellamy, Chatwin, Drummond, Fairfax, Hawthorne, Holloway, Kershaw, Lockwood, Pemberton, Radcliffe,
  Sotheran, Thornton, Westlake
`);

export const binderies = list(`
  Bayntun, Bedford, Birdsall, Cobden, Hayday, Larkins, Morrell, Ramage, Riviere, Root, Sangorski, Tout, Wickwar,
  Zaehnsdorf
`);

export const phrases = list(`
  full calf, half morocco, gilt edges, marbled boards, raised bands, light foxing, hinges sound, original cloth,
  bookplate of a former owner, plates complete, spine faded, tissue guards present
`);

function list(text: string): readonly string[] {
  return text.trim().split(/,\s+/);
}
