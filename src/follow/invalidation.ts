export * from './forgetting.ts';
