/** A list as the names come from it: 128 first names of many languages, in ASCII. */
export const firstNames = words(`
  Aaron Ada Adil Agnes Aiko Alba Alejo Alice Amara Amina Anders Anneke Anton Aria Arjun Astrid
  Aylin Basil Beata Bela Benita Bruno Camila Carlo Cecilia Chidi Clara Conrad Cosima Dalia Damian Daria
  David Deepa Delia Diego Dora Edith Elena Elias Elif Emeka Emil Enzo Esther Farah Felix Fiona
  Frida Gabor Gemma Georg Gita Goran Greta Hakim Hana Harald Helga Hugo Ibrahim Ida Ilse Imran
  Ines Ingrid Iris Isaac Ivana Jakob Jana Jasper Joana Jonas Julia Kamal Karin Kasper Katja Kenji
  Klara Kofi Lara Lars Laura Leila Leon Lidia Linh Lorenz Lucia Luis Maja Malik Marcel Maria
  Marta Mateo Mei Mila Mirko Nadia Naomi Nils Nina Noor Olaf Olga Omar Oskar Paula Pavel
  Petra Priya Rafael Rania Rosa Ruben Samir Sara Selma Simon Sofia Tamar Theo Uma Vera Yusuf`);

/** 128 last names of many languages, in ASCII. */
export const lastNames = words(`
  Abbott Adeyemi Aguilar Ahlberg Akhtar Almeida Amato Andersen Arslan Baker Balogun Barros Bauer Becker Bergman Bianchi
  Blake Bondar Borg Brandt Brennan Bruun Cabrera Calloway Cardoso Castro Chandra Chen Conti Costa Dahl Danso
  Delgado Demir Dietrich Dimitrov Duarte Eriksen Esposito Faber Farkas Fernandes Fischer Flores Fontaine Forsberg Fujita Gallo
  Garcia Gerber Ghosh Gomez Greco Gupta Haddad Hansen Hartman Hassan Hayes Heikkinen Herrera Hofmann Holm Horvat
  Ibarra Ivanov Iyer Jansen Jensen Johansson Kaplan Karlsen Katz Keller Khan Kimura Klein Kovacs Krause Kumar
  Laine Lambert Larsen Leroy Lindgren Lombardi Lopez Lund Maier Marino Martin Mehta Mendes Meyer Molina Moreau
  Mueller Nagy Nakamura Navarro Nguyen Nielsen Novak Nowak Oduya Okafor Olsen Ortega Osman Pereira Petrov Popescu
  Quinn Ramos Reyes Ricci Rossi Sato Schmidt Silva Singh Sousa Suzuki Tanaka Torres Varga Weber Yilmaz`);

/** 64 places that are on no map. */
export const cities = words(`
  Aldermouth Amberfield Ashcombe Bellhaven Birchport Bracklow Bramford Brightmere Brookholm Calderwick Cedarvale Chalkstead Coldwater Copperhill Cranmoor Dunmere
  Eastbrae Eldersea Elmstow Fairwater Fallowby Fenbridge Fernmouth Foxhollow Glenmarch Goldbourne Graywater Greenhaugh Harrowmere Hawkshore Hazelbury Heatherby
  Highmarch Ironford Ivybridge Juniperton Kestrelby Kingsmere Lakenholm Larkspur Lindenau Longmarsh Maplestead Marblehaven Meadowick Millhaven Mossbridge Northmere
  Oakenshaw Oldhaven Orchardton Pinecrest Quarrydale Ravensea Redwater Rosebank Saltmarsh Silverlake Southbrae Stonehollow Thornmere Westhaven Willowby Winterbourne`);

/** 64 streets. */
export const streets = phrases(`
  Acorn Lane, Alder Street, Apple Row, Ash Grove, Aspen Way, Barley Street, Beech Avenue, Birch Road,
  Bluebell Lane, Bramble Close, Bridge Street, Brook Lane, Canal Street, Castle Road, Cedar Avenue, Chapel Lane,
  Cherry Walk, Chestnut Road, Church Street, Clover Way, Copper Street, Cypress Avenue, Daisy Lane, Elm Street,
  Farm Road, Fern Close, Field Lane, Forest Road, Garden Street, Glen Road, Grove Lane, Harbour Street,
  Hawthorn Way, Hazel Avenue, Heather Road, High Street, Hill Road, Holly Lane, Ivy Close, Juniper Way,
  Lake Street, Larch Road, Laurel Avenue, Lavender Lane, Lilac Street, Lime Avenue, Linden Road, Magnolia Way,
  Maple Street, Market Street, Meadow Lane, Mill Road, Oak Avenue, Orchard Street, Park Lane, Pine Road,
  Poplar Avenue, River Street, Rose Lane, Spring Road, Station Street, Valley Road, Walnut Avenue, Willow Way`);

/** 64 names for a company to begin with: nobody's that we know of. */
export const companyNames = words(`
  Aldermoor Ambervane Arkenfell Ashvale Bellforge Birchlane Blackmere Bramwick Brightholt Brookvane Calderon Cedarmoor Clearholt Copperlane Cranvale Dawnholt
  Duskmere Eastvane Elderlane Emberwick Fallowmere Fenholt Fernvane Flintmoor Foxlane Glassmere Glenholt Goldvane Graymoor Greenwick Harrowlane Hawkmere
  Hazelholt Heathvane Highmoor Hollowick Ironmere Ivylane Junivale Kestrelmoor Kingsholt Lakevane Larkmoor Lindenholt Longvane Mapleholt Marblemoor Meadowvane
  Millmere Mossholt Northvane Oakmoor Oldholt Orchardvane Pinemoor Quarryholt Ravenvane Redmoor Roseholt Saltvane Silvermoor Stoneholt Thornvane Willowmoor`);

/** 16 words for a company to end with. */
export const companyKinds = words(`
  Analytics Bakery Brothers Consulting Design Foods Group Holdings Instruments Logistics Partners Press Services Supply Textiles Trading`);

/** A text that means nothing, for as many times as it takes. */
export const lorem = `
  Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna
  aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat.
  Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla pariatur. Excepteur sint
  occaecat cupidatat non proident, sunt in culpa qui officia deserunt mollit anim id est laborum. `
  .replaceAll(/\s+/g, ' ')
  .trimStart();

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

function phrases(text: string): readonly string[] {
  return text.trim().split(/,\s+/);
}
