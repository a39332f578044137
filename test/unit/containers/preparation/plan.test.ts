import { describe, expect, it } from 'vitest';
import { containerOf } from '../../../../src/containers/deployments/container.ts';
import { parseInfo, renderInfo } from '../../../../src/containers/deployments/deployment.ts';
import { parseContainerName } from '../../../../src/containers/deployments/name.ts';
import type { RecordedFiles } from '../../../../src/containers/host-files/record.ts';
import {
  type DeploymentFacts,
  type DeploymentRequest,
  planDeployment,
} from '../../../../src/containers/preparation/plan.ts';
import { type Exports, parseExportsManifest } from '../../../../src/containers/rendering/exports.ts';
import { defaultUnit } from '../../../../src/containers/rendering/unit.ts';
import type { UserRights } from '../../../../src/containers/rendering/user-rights.ts';
import { AtomicError } from '../../../../src/errors.ts';
import { contextFor } from '../../support/context.ts';

const context = contextFor({ checkouts: '/ck' });
const NO_FILES: RecordedFiles = {
  'installed-files': [],
  'installed-files-checksum': {},
  'installed-files-links': {},
  'installed-files-sizes': {},
  'installed-files-kept': {},
  'created-folders': [],
};
const SOURCE = { root: '/image', path: 'file' };
const VALUES = {
  ...{
    NAME: 'web',
    DESTDIR: '/ck/web.1',
    RUN_DIRECTORY: '/run',
    PIDFILE: '/run/container-web.pid',
    PORT: '80',
  },
  ...{ EXEC_START: 'start', EXEC_STOP: 'stop', EXEC_STARTPRE: '-clean', EXEC_STOPPOST: '-clean' },
  ...{ HOST_UID: '0', HOST_GID: '0' },
};

interface Change {
  readonly exports?: Partial<Exports>;
  readonly manifest?: object;
  readonly request?: Partial<DeploymentRequest>;
  readonly facts?: Partial<DeploymentFacts>;
  readonly rights?: UserRights;
}

function planOf({ exports, manifest = {}, request, facts, rights }: Change = {}) {
  const config = { ociVersion: '1.0.0', root: { path: 'rootfs', readonly: true } };
  return planDeployment({
    request: {
      container: containerOf(context, parseContainerName('web')),
      slot: 1,
      image: { id: 'id', commit: 'commit', layers: ['one', 'two'] },
      reference: 'registry/web:1',
      set: { PORT: '80' },
      runtime: '/usr/bin/runc',
      systemPackage: 'no',
      allowsScripts: false,
      labels: {},
      remote: undefined,
      ...request,
    },
    material: {
      exports: {
        isPresent: true,
        manifest: parseExportsManifest(JSON.stringify(manifest), 'web'),
        config: JSON.stringify(config),
        configTemplate: undefined,
        serviceTemplate: undefined,
        tmpfilesTemplate: undefined,
        ...exports,
      },
      proposed: undefined,
      rights,
      confinement: { hasSelinux: false, hasApparmor: false },
    },
    unit: defaultUnit(true),
    values: VALUES,
    renames: {},
    files: [],
    omitted: [],
    systemPackage: 'no',
    package: undefined,
    recorded: NO_FILES,
    user: context.user,
    now: 1_700_000_000,
    tmpfiles: { previous: undefined, stateOf: () => 'directory' },
    ...facts,
  });
}

const withMounts = (...sources: readonly string[]) => ({
  config: JSON.stringify({
    root: { path: 'rootfs', readonly: true },
    mounts: sources.map((source) => ({ type: 'bind', source })),
  }),
});

describe('planDeployment', () => {
  it('says in plain values what will be there', () => {
    expect(planOf()).toEqual({
      destination: '/ck/web.1',
      rootfs: 'own',
      layers: ['one', 'two'],
      config: '{"ociVersion":"1.0.0","root":{"path":"rootfs","readonly":true}}',
      unit: expect.stringContaining('ExecStart=start\n'),
      tmpfiles: undefined,
      hostFiles: [],
      note: undefined,
      info: expect.objectContaining({
        image: 'registry/web:1',
        revision: 'id',
        'ostree-commit': 'commit',
        created: 1_700_000_000,
        'set-values': ['PORT'],
        runtime: '/usr/bin/runc',
        remote: null,
        'has-container-service': true,
      }),
    });
  });

  it('makes a record that is read back as it was', () => {
    const { info } = planOf({
      manifest: { renameFiles: {}, installedFilesTemplate: ['/a'], useLinks: false },
    });

    expect(parseInfo(renderInfo({ ...info }), 'info')).toEqual(info);
  });

  it('says once what it has changed in the configuration of an old image', () => {
    const config = '{"ociVersion":"0.6.0-dev","platform":{},"root":{"path":"rootfs","readonly":true}}';
    const plan = planOf({ exports: { config } });

    expect(plan.note).toBe(
      "Note: config.json of registry/web:1 is adapted to this host's runtimes: ociVersion 0.6.0-dev is now 1.0.2, platform left out",
    );
    expect(JSON.parse(plan.config)).toEqual({
      ociVersion: '1.0.2',
      root: { path: 'rootfs', readonly: true },
    });
  });

  it('fills in the template of config.json, but not a complete one', () => {
    const template = {
      file: 'config.json.template',
      text: '{"ociVersion":"1.0.0","root":{"path":"rootfs","readonly":true},"x":"$PORT"}',
    };

    expect(planOf({ exports: { config: undefined, configTemplate: template } }).config).toContain('"x":"80"');
    expect(planOf({ exports: { config: template.text, configTemplate: template } }).config).toBe(
      template.text,
    );
  });

  it('has neither unit nor root file system for an image that brings host files only', () => {
    const plan = planOf({ manifest: { noContainerService: true } });

    expect(plan).toMatchObject({ rootfs: 'none', unit: undefined });
    expect(plan.info['has-container-service']).toBe(false);
  });

  it('uses the root file system of another container, and no layer', () => {
    const remote = { recorded: '/ck/base', link: '/ck/base/rootfs', folder: '/ck/base.0/rootfs' };
    const plan = planOf({ request: { remote } });

    expect(plan).toMatchObject({ rootfs: 'shared', layers: [], info: { remote: '/ck/base' } });
    expect(JSON.parse(plan.config).root.path).toBe('/ck/base.0/rootfs');
  });

  it('says what happens to each host file', () => {
    const file = (target: string, kind: 'file' | 'link' | 'directory') => ({
      target,
      source: SOURCE,
      kind,
    });
    const plan = planOf({
      facts: {
        files: [
          file('/usr', 'directory'),
          file('/usr/ours', 'file'),
          file('/usr/far', 'file'),
          file('/usr/x', 'link'),
        ],
        recorded: {
          ...NO_FILES,
          'installed-files': ['/usr/far', '/usr/ours'],
          'installed-files-kept': { '/usr/far': 'x' },
        },
      },
    });

    expect(plan.hostFiles).toEqual([
      { path: '/usr/ours', kind: 'file', outcome: 'installed' },
      { path: '/usr/far', kind: 'file', outcome: 'kept' },
      { path: '/usr/x', kind: 'link', outcome: 'kept' },
    ]);
  });

  it.each([
    {
      what: 'is not read-only',
      exports: { config: '{"root":{"path":"rootfs"}}' },
      reason: 'Only readonly images',
    },
    {
      what: 'has another root',
      exports: { config: '{"root":{"path":"/","readonly":true}}' },
      reason: 'Path must be',
    },
    {
      what: 'is no JSON',
      exports: { config: '{' },
      reason: 'Invalid json in configuration file: /ck/web.1/config.json.',
    },
    { what: 'is missing', exports: { config: undefined }, reason: 'neither the image nor the runtime' },
  ])('refuses a config.json that $what', ({ exports, reason }) => {
    expect(() => planOf({ exports })).toThrow(AtomicError);
    expect(() => planOf({ exports })).toThrow(reason);
  });

  it('adapts config.json, unit and tmpfiles.d file to an ordinary user, and names in one line what he does not get', () => {
    const user = { uid: 1000, gid: 1000, home: '/home/joe', isRoot: false };
    const config = JSON.stringify({
      root: { path: 'rootfs', readonly: true },
      linux: { namespaces: [{ type: 'network' }] },
    });
    const tmpfilesTemplate = { file: 'tmpfiles.template', text: 'd /run/$NAME - root root' };
    const omitted = ['/a', '/b', '/c', '/d'].map((target) => ({
      ...{ target, source: SOURCE, kind: 'file' as const },
    }));
    const plan = planOf({
      exports: { config, tmpfilesTemplate },
      facts: { user, omitted, unit: { file: '', text: '[Service]\nUser=root\n[Install]\n' } },
      rights: {
        ...{
          uid: 1000,
          gid: 1000,
          uids: [],
          gids: [],
          lacksTools: false,
          controllers: [],
          limits: new Map(),
        },
        isOfSystem: () => false,
      },
    });

    expect(plan.note).toBe(
      'Note: registry/web:1 is adapted to run without root: config.json: ociVersion missing is now 1.0.2, ' +
        'the network of the host instead of its own; unit: User=root left out; ' +
        'host files are not installed: /a, /b, /c and 1 more',
    );
    expect(plan.tmpfiles).toBe('d /run/web - - -');
    expect(plan.unit).toContain('[Install]\nWantedBy=default.target\n');
    expect(plan.unit).toContain(`systemd-tmpfiles --create "${context.paths.tmpfiles}/web.conf"`);
  });

  describe('lists in the tmpfiles.d file', () => {
    const absent = { previous: undefined, stateOf: (): 'absent' => 'absent' };

    it('missing sources of mounts, with an owner', () => {
      expect(planOf({ exports: withMounts('/srv/web'), facts: { tmpfiles: absent } }).tmpfiles).toBe(
        'd    /srv/web   0700 0 0 - -\n',
      );
    });

    it("not the directories that the image's own host files bring", () => {
      const files = [{ target: '/etc/kubernetes/config', source: SOURCE, kind: 'file' }] as const;
      const facts = { tmpfiles: absent, files };

      expect(planOf({ exports: withMounts('/etc/kubernetes'), facts }).tmpfiles).toBeUndefined();
      expect(planOf({ exports: withMounts('/etc/kubernetes/x'), facts }).tmpfiles).toContain(
        '/etc/kubernetes/x',
      );
    });

    it('nothing when the image brings a template of its own, which is filled in', () => {
      const tmpfilesTemplate = { file: 'tmpfiles.template', text: 'd /run/$NAME' };

      expect(planOf({ exports: { ...withMounts('/srv/web'), tmpfilesTemplate } }).tmpfiles).toBe(
        'd /run/web',
      );
    });
  });
});
