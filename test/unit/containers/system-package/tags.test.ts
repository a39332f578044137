import { describe, expect, it } from 'vitest';
import { packageNameOf, tagsOf } from '../../../../src/containers/system-package/tags.ts';

const tags = (labels: Record<string, string>) =>
  tagsOf({ name: 'web', labels, version: '1', imageId: 'f00d' });

describe('the head of a package', () => {
  it('has defaults without labels', () => {
    expect(tags({})).toEqual({
      name: 'atomic-container-web',
      version: '1',
      release: 'f00d',
      summary: 'web',
      license: 'GPLv2',
      url: undefined,
      description: 'web',
      requires: [],
      provides: [],
      conflicts: [],
    });
  });

  it('comes from labels, however they are spelled', () => {
    const labels = {
      'Atomic.Summary': 'A web server',
      'atomic.version': '2.0',
      'atomic.release': '3',
      'atomic.license': 'MIT',
      'atomic.url': 'https://example.org/',
      'atomic.description': 'Serves\npages.',
      'atomic.requires': 'bash, curl >= 7.1,python3==3.9',
      'ATOMIC.PROVIDES': 'webserver = 1',
      'atomic.conflicts': 'perl(Foo) < 2:3-4',
    };

    expect(tags(labels)).toMatchObject({
      summary: 'A web server',
      version: '2.0',
      release: '3',
      license: 'MIT',
      url: 'https://example.org/',
      description: 'Serves pages.',
      requires: ['bash', 'curl >= 7.1', 'python3 = 3.9'],
      provides: ['webserver = 1'],
      conflicts: ['perl(Foo) < 2:3-4'],
    });
  });

  it('has versions that rpm takes', () => {
    expect(tags({ 'atomic.version': '1-2/3', 'atomic.release': '%{lua:x}\n4' })).toMatchObject({
      version: '1_2_3',
      release: '__lua_x__4',
    });
  });

  it.each(['a\nPost: x', '%(id)', 'a b c', '(a or b)', '-a', 'a >= %{x}'])(
    'has no requirement %j',
    (text) => {
      // a line break is a blank by then
      expect(() => tags({ 'atomic.requires': text })).toThrow(
        'the label atomic.requires of the image is not valid',
      );
    },
  );

  it('has a name without the one character that rpm does not know', () => {
    expect(packageNameOf('web@1.0')).toBe('atomic-container-web+1.0');
  });
});
