// Bodies of POST requests: which ones the short way understands, and which it leaves to whoever words the refusals.
import { describe, expect, test } from 'vitest';
import { readPostParams } from '../../src/http/post-params.ts';

describe('is read as it is:', () => {
  test.each<[string, object]>([
    ['a text alone', { query: '{ __typename }' }],
    ['an empty text', { query: '' }],
    ['everything', { query: '{ a }', operationName: 'A', variables: { a: 1 }, extensions: { cost: true } }],
    ['nulls', { query: '{ a }', operationName: null, variables: null, extensions: null }],
    ['an id in place of a text', { documentId: 'abc', variables: {} }],
    ['Relay’s id', { doc_id: 'abc' }],
    ['ids of any kind, which are looked at where documents are', { documentId: 7, doc_id: [null] }],
    ['nothing at all', {}],
  ])('%s', (_title, params) => {
    expect(readPostParams(JSON.stringify(params))).toEqual(params);
  });

  test('white space around and within', () => {
    expect(readPostParams(' \n{ "query" :\t"{ a }" } ')).toEqual({ query: '{ a }' });
  });

  test('what is named twice, as JSON has it: the last one counts', () => {
    expect(readPostParams('{"query":"{ a }","query":"{ b }"}')).toEqual({ query: '{ b }' });
  });

  test('variables under names that objects have by themselves', () => {
    const params = readPostParams('{"query":"{ a }","variables":{"__proto__":{"a":1},"constructor":2,"toJSON":3}}');
    expect(Object.keys(params?.variables ?? {})).toEqual(['__proto__', 'constructor', 'toJSON']);
    expect(params?.variables?.a).toBeUndefined();
    // What tells answers apart tells these apart.
    expect(JSON.stringify(params?.variables)).toBe('{"__proto__":{"a":1},"constructor":2,"toJSON":3}');
  });
});

describe('is left to the long way:', () => {
  test.each([
    ['nothing', ''],
    ['what is no JSON', '{ query: "{ a }" }'],
    ['JSON with something behind it', '{"query":"{ a }"}}'],
    ['a byte order mark', '\ufeff{"query":"{ a }"}'],
    ['a text', '"{ a }"'],
    ['a number', '7'],
    ['null', 'null'],
    ['true', 'true'],
    ['a batch', '[{"query":"{ a }"}]'],
    ['an empty batch', '[]'],
    ['an unknown member', '{"query":"{ a }","id":"1"}'],
    ['a member of a batch', '{"query":"{ a }","0":1}'],
    ['a member called __proto__', '{"query":"{ a }","__proto__":{"query":"{ b }"}}'],
    ['a member called constructor', '{"query":"{ a }","constructor":1}'],
    ['another spelling of a member', '{"Query":"{ a }"}'],
    ['a text that is a number', '{"query":7}'],
    ['a text that is a list', '{"query":["{ a }"]}'],
    ['a name that is empty', '{"query":"{ a }","operationName":""}'],
    ['a name that is a number', '{"query":"{ a }","operationName":7}'],
    ['variables that are a list', '{"query":"{ a }","variables":[]}'],
    ['variables that are a text', '{"query":"{ a }","variables":"{}"}'],
    ['variables that are false', '{"query":"{ a }","variables":false}'],
    ['variables that are 0', '{"query":"{ a }","variables":0}'],
    ['extensions that are a list', '{"query":"{ a }","extensions":[]}'],
    ['extensions that are a text', '{"query":"{ a }","extensions":""}'],
  ])('%s', (_title, body) => {
    expect(readPostParams(body)).toBeNull();
  });
});
