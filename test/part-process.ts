import { readFile } from 'node:fs/promises';
import type { Report } from '../src/index.ts';
import { nextPart } from './parts.ts';

// The next part of a run, in a process that can be killed: node part-process.ts CONFIG PAUSED.
const [, , config = '', paused = ''] = process.argv;
const report = await nextPart(config, JSON.parse(await readFile(paused, 'utf8')) as Report, { mayPause: false });
console.log(report.outcome);
