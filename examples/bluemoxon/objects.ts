import { productionRows } from './production-rows.ts';
import { type Random, seeded } from './random.ts';

/** One object of a bucket; `seed` makes its content, so that equal seeds and sizes are equal bytes. */
export interface ObjectDescriptor {
  readonly key: string;
  readonly sizeBytes: number;
  readonly seed: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly lastModified: string;
}

export interface ObjectSettings {
  /** The sizes of the review, 1.7 GB in all, instead of 1 to 4 kB an object. */
  readonly full?: boolean;
}

const objectCount = 4709;
const fullBytes = 1.7e9;
/** When staging was refreshed last, and when production's newest objects came. */
const lastRefresh = Date.UTC(2025, 10, 2, 8);
const newest = Date.UTC(2025, 11, 21, 23);

/** Keys that tools have lost: S3's are bytes, neither paths nor URLs. */
const hostileKeys: readonly string[] = [
  'books/1/with space.jpg',
  'books/1/ leading and trailing ',
  'books/1/plus+plus.jpg',
  'books/1/100%.jpg',
  'books/1/percent%20encoded.jpg',
  'books/1/percent%2Fslash.jpg',
  'books/1//double-slash.jpg',
  'books/1/trailing-slash/',
  'books/1/caf\u{e9}.jpg',
  'books/1/cafe\u{301}.jpg',
  'books/1/\u{65e5}\u{672c}\u{8a9e}.jpg',
  // In UTF-8 the first of these two sorts before the second; in JavaScript's UTF-16 it is the other way round.
  'books/1/\u{ff01}.jpg',
  'books/1/\u{1f4da}.jpg',
  `books/1/quote'single.jpg`,
  'books/1/quote"double.jpg',
  'books/1/a&b=c?d#e.jpg',
  'books/1/<tag>.jpg',
  'books/1/semi;colon:comma,=@$!*()~[]{}^`|.jpg',
  'books/1/back\\slash.jpg',
  `books/1/${'long-'.repeat(180)}.jpg`,
];

/** The objects of production's bucket: every image that a row names, their thumbnails, and what else gathered there. */
export function productionObjects(settings: ObjectSettings = {}): readonly ObjectDescriptor[] {
  const random = seeded(4709);
  const images = imageKeys();
  const thumbnails = images.map((key) => key.replace(/[^/]+$/, (name) => `thumb_${name}`));
  const keys = [...images, ...thumbnails, ...hostileKeys];
  for (let i = 0; keys.length < objectCount; i += 1) keys.push(otherKey(random, i));
  const sizes = settings.full ? fullSizes(random, keys.length) : keys.map(() => random.between(1024, 4096));
  return keys.map((key, i) => describe(random, key, key.endsWith('/') ? 0 : (sizes[i] ?? 0)));
}

/** The objects of staging's bucket before the refresh: most of production's, older or missing ones, and its own. */
export function stagingObjects(settings: ObjectSettings = {}): readonly ObjectDescriptor[] {
  const random = seeded(65);
  const inherited = productionObjects(settings).flatMap((object, i) => {
    if (i % 20 === 7) return [];
    if (i % 33 === 5) return [{ ...object, seed: object.seed + 1 }];
    if (i % 41 === 3) return [{ ...object, seed: object.seed + 1, sizeBytes: Math.ceil(object.sizeBytes * 0.9) }];
    return [object];
  });
  const ownKeys = [
    ...times(12, (i) => `lambda/db-sync-${i + 1}.zip`),
    ...times(18, (i) => `deploy/6575f61/layer-${String(i + 1).padStart(2, '0')}.tar.gz`),
    ...times(25, (i) => `staging-test/upload ${i + 1}.jpg`),
    ...times(6, (i) => `books/9001/0${i + 1}_test.jpg`),
  ];
  const own = ownKeys.map((key) => describe(random, key, random.between(1024, 4096)));
  return [...inherited, ...own].map((object) => ({ ...object, lastModified: new Date(lastRefresh).toISOString() }));
}

function times<T>(count: number, make: (position: number) => T): T[] {
  return Array.from({ length: count }, (_, position) => make(position));
}

function imageKeys(): readonly string[] {
  const images = productionRows().find(({ table }) => table === 'book_images');
  return images?.rows.map((row) => row['s3_key'] ?? '') ?? [];
}

/** Left by deleted books, by imports and by reports. */
function otherKey(random: Random, position: number): string {
  const code = random.uuid().slice(0, 8);
  const book = random.between(1, 680);
  const keys = [
    `books/${book}/original/${code}.jpg`,
    `books/${book}/original/scan ${position}.tif`,
    `listings/ebay/${random.between(1e11, 3e11)}/image_${position}.jpg`,
    `analyses/${book}/${code}.json`,
  ];
  return keys[position % keys.length] ?? code;
}

/** Log-normal, as photographs are, scaled so that they add up to the review's total. */
function fullSizes(random: Random, count: number): readonly number[] {
  const raw = times(count, () => Math.exp(0.8 * normal(random)));
  const scale = fullBytes / raw.reduce((sum, size) => sum + size, 0);
  return raw.map((size) => Math.max(1, Math.round(size * scale)));
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

const contentTypes: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  tif: 'image/tiff',
  json: 'application/json',
};

function describe(random: Random, key: string, sizeBytes: number): ObjectDescriptor {
  const contentType = contentTypes[key.slice(key.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  return {
    key,
    sizeBytes,
    seed: random.between(1, 1e9),
    contentType,
    lastModified: new Date(newest - random.between(0, 300 * 24 * 3600) * 1000).toISOString(),
    ...(random.chance(0.2) && { headers: { 'Cache-Control': 'public, max-age=31536000' } }),
    ...(random.chance(0.05) && {
      metadata: { 'uploaded-by': 'scanner', original: `DSC_${random.between(1, 9999)}.JPG` },
    }),
    ...(random.chance(0.02) && { tags: { reviewed: 'yes', 'shelf mark': 'A+ 1/2' } }),
  };
}
