// What `restage init` is made of. It is the command line's, and no part of the public library.
export { draftOf, lackingOptions, readOptions, type Answers, type EndAnswers, type InitOptions } from './answers.ts';
export { completeDraft } from './complete.ts';
export { configText } from './config-text.ts';
export { databaseForms, readDatabase, type DatabaseAnswer } from './database-answer.ts';
export { maskKeyVariable, type Draft } from './draft.ts';
export { needMaskKey } from './rules-text.ts';
export { guessProfiles, nameBuckets, type Pairing } from './pair-names.ts';
export { findProfiles, isPostgres, propose, readLogin, surveyAccount, type Proposal, type Survey } from './survey.ts';
