import { describe, expect, it } from 'vitest';
import { parseSet, resolveValues } from '../../../../src/containers/rendering/values.ts';
import { contextFor } from '../../support/context.ts';

describe('parseSet', () => {
  it('splits at the first equals sign, and lets the last of a name win', () => {
    expect(parseSet(['A=1', 'B=x=y', 'C=', 'A=2'])).toEqual({ A: '2', B: 'x=y', C: '' });
  });

  it.each(['A', '', '=x', '1A=x', 'A B=x', 'A-B=x'])('refuses %j', (text) => {
    expect(() => parseSet([text])).toThrow(`Invalid value '${text}'.  Expected form NAME=VALUE`);
  });

  it.each(['A=a\nb', 'A=\u0000', 'A=\u001b[0m', 'A=\u007f'])(
    'refuses the control character in %j',
    (text) => {
      expect(() => parseSet([text])).toThrow('Invalid value for A');
    },
  );

  it('accepts JSON fragments, which images use', () => {
    const fragment = ',{"type": "bind",\t"source": "/x"}';

    expect(parseSet([`ADDTL_MOUNTS=${fragment}`])).toEqual({ ADDTL_MOUNTS: fragment });
  });
});

describe('resolveValues', () => {
  const facts = { name: 'n', destination: '/ck/n.0', runtime: '/r', imageName: 'i', imageId: 'id' };
  const resolve = async (manifest: Record<string, string>, set: Record<string, string>) =>
    await resolveValues(contextFor(), facts, { manifest, set, exec: { EXEC_START: 'start' } });

  it('forces what describes the container, whatever is set', async () => {
    const set = {
      NAME: 'x',
      DESTDIR: 'x',
      EXEC_START: 'x',
      HOST_UID: 'x',
      HOST_GID: 'x',
      IMAGE_ID: 'x',
      IMAGE_NAME: 'x',
    };

    expect(await resolve(set, set)).toMatchObject({
      NAME: 'n',
      DESTDIR: '/ck/n.0',
      EXEC_START: 'start',
      HOST_UID: '0',
      HOST_GID: '0',
      IMAGE_ID: 'id',
      IMAGE_NAME: 'i',
    });
  });

  it('prefers --set to the defaults of the tool, and those to the manifest', async () => {
    const values = await resolve(
      { CONF_DIRECTORY: '/m', STATE_DIRECTORY: '/m', OWN: 'm' },
      { STATE_DIRECTORY: '/s' },
    );

    expect(values).toMatchObject({ CONF_DIRECTORY: '/etc', STATE_DIRECTORY: '/s', OWN: 'm', RUNTIME: '/r' });
  });

  it('puts the pid file below a RUN_DIRECTORY that is set', async () => {
    expect((await resolve({}, {})).PIDFILE).toBe('/run/container-n.pid');
    expect((await resolve({}, { RUN_DIRECTORY: '/run/x' })).PIDFILE).toBe('/run/x/container-n.pid');
  });

  it('makes a UUID unless the manifest or the person has one', async () => {
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

    expect((await resolve({}, {})).UUID).toMatch(uuid);
    expect((await resolve({ UUID: 'm' }, {})).UUID).toBe('m');
    expect((await resolve({ UUID: 'm' }, { UUID: 's' })).UUID).toBe('s');
  });

  it('lists the capabilities of the kernel as a fragment of JSON', async () => {
    const list = (await resolve({}, {})).ALL_PROCESS_CAPABILITIES ?? '';

    expect(list).toMatch(/^"CAP_CHOWN",\n"CAP_DAC_OVERRIDE",\n/);
    expect(list).toMatch(/"\n$/);
    expect(JSON.parse(`[${list}]`).length).toBeGreaterThan(35);
  });
});
