import { describe, expect, it } from 'vitest';
import type { Outcome } from '../support/box.ts';
import { useStory } from '../support/story.ts';
import { eventually, tracesIn, useBox } from '../support/test-box.ts';

const box = useBox();
useStory();
const KEY = '/atomic.io/network/config';
const NETWORK = '{"Network":"10.40.0.0/16"}';
const DROP_IN = '/etc/systemd/system/docker.service.d/flannel.conf';
const READ = `etcd-ctl get --print-value-only ${KEY}`;

const stateOf = async (unit: string) => (await box.sh(`systemctl is-active ${unit}`)).stdout.trim();

describe('etcd in a system container', () => {
  it('is installed with its client, which the host has under the name of the container', async () => {
    await box.type('rm -rf /var/lib/etcd');

    expect(await box.type('atomic install --system etcd')).toContain(
      '\nCreated file /usr/local/bin/etcd-ctl\n',
    );
    expect(await box.type('stat -c "%A %h" /usr/local/bin/etcd-ctl')).toBe('-rwxr-xr-x 1\n');
    expect(await box.type('stat -c "%A %U" /run/etcd /var/lib/etcd')).toBe(
      'drwxr-xr-x root\ndrwx------ root\n',
    );
  });

  it('serves as soon as systemctl start returns', async () => {
    await box.type('systemctl start etcd');

    expect(await box.type('runc exec etcd etcdctl endpoint health 2>&1')).toContain(' is healthy');
    expect(await box.type('ls /var/lib/etcd')).toBe('member\n');
  });

  it("takes the network's configuration, and gives it back inside and outside", async () => {
    expect(await box.type(`runc exec etcd etcdctl put ${KEY} '${NETWORK}'`)).toBe('OK\n');

    for (const client of ['runc exec etcd etcdctl', 'atomic run etcd etcdctl', 'etcd-ctl'])
      expect(await box.type(`${client} get --print-value-only ${KEY}`)).toBe(`${NETWORK}\n`);
  });

  it('keeps its data through an update and a rollback', async () => {
    await box.type('atomic containers update --set=ETCD_NAME=renamed etcd');

    expect(await box.type('etcd-ctl member list')).toContain(', started, renamed, ');
    expect(await box.type(READ)).toBe(`${NETWORK}\n`);
    await box.type('atomic containers rollback etcd');
    expect(await box.type('etcd-ctl member list')).toContain(', started, default, ');
    expect(await box.type(READ)).toBe(`${NETWORK}\n`);
  });
});

describe('a container that needs etcd', () => {
  it('brings a drop-in for docker, which systemd knows at once', async () => {
    // the real one is masked in the box
    const standIn = '[Service]\\nExecStart=/bin/sh -c "echo subnet $FLANNEL_SUBNET; exec sleep infinity"\\n';
    await box.type(`cd /etc/systemd/system && rm docker.service && printf '${standIn}' > docker.service`);

    await box.type('atomic install --system --name=flannel flannel-like');

    expect(await box.type('systemctl show docker -p DropInPaths')).toBe(`DropInPaths=${DROP_IN}\n`);
    expect(await box.type(`cat ${DROP_IN}`)).toContain('EnvironmentFile=/run/flannel/subnet.env\n');
  });

  it('has etcd started first, and is started when it is ready, not before', async () => {
    await box.type(`etcd-ctl del ${KEY} && systemctl stop etcd`);
    let outcome: Outcome | undefined;
    const start = box.sh('systemctl start flannel').then((ended) => {
      outcome = ended;
    });

    expect((await eventually(box, `etcd-ctl put ${KEY}.not '{}'`)).exitCode).toBe(0);
    await box.type('sleep 1');
    expect([await stateOf('etcd'), await stateOf('flannel'), outcome]).toEqual([
      'active',
      'activating',
      undefined,
    ]);
    await box.type(`etcd-ctl put ${KEY} '${NETWORK}'`);
    await start;
    expect(outcome).toEqual({ stdout: '', stderr: '', exitCode: 0 });
    expect(await stateOf('flannel')).toBe('active');
    expect(await box.type('cat /run/flannel/subnet.env')).toBe(
      'FLANNEL_NETWORK=10.40.0.0/16\nFLANNEL_SUBNET=10.40.1.1/24\n',
    );
  });

  it('gives docker its subnet', async () => {
    await box.type('systemctl start docker');

    expect((await eventually(box, 'journalctl -u docker -o cat | grep subnet')).stdout).toBe(
      'subnet 10.40.1.1/24\n',
    );
    await box.type('systemctl stop docker');
  });

  it('goes back to the deployment that got ready from one that does not', async () => {
    const updated = await box.sh(
      'atomic containers update --set=FLANNELD_ETCD_PREFIX=/nowhere --set=START_TIMEOUT=2 flannel',
    );

    expect(updated.exitCode).toBe(1);
    expect(updated.stderr).toContain("cannot start 'flannel' (");
    expect([await stateOf('etcd'), await stateOf('flannel')]).toEqual(['active', 'active']);
    expect(await box.type('cat /run/flannel/subnet.env')).toContain('FLANNEL_SUBNET=10.40.1.1/24\n');
  });

  it('runs again after an update of etcd, unlike what the administrator has stopped', async () => {
    // a target that needs etcd ends with it; starting it would start all that it wants
    await box.type(
      `cd /etc/systemd/system && mkdir -p multi-user.target.d && printf '[Unit]\\nRequires=etcd.service\\n' > multi-user.target.d/etcd.conf && printf '[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n' > lamp.service && systemctl enable lamp && systemctl start multi-user.target && systemctl stop lamp`,
    );

    await box.type('atomic containers update --set=ETCD_NAME=required etcd');

    expect([await stateOf('etcd'), await stateOf('flannel'), await stateOf('lamp')]).toEqual([
      'active',
      'active',
      'inactive',
    ]);
    await box.type(
      'systemctl disable lamp; cd /etc/systemd/system && rm -r multi-user.target.d lamp.service; systemctl daemon-reload; atomic containers rollback etcd',
    );
  });

  it('runs again when etcd has been updated or rolled back', async () => {
    for (const change of ['update --set=ETCD_NAME=again', 'rollback']) {
      await box.type(`atomic containers ${change} etcd`);

      expect([await stateOf('etcd'), await stateOf('flannel')]).toEqual(['active', 'active']);
    }
  });

  it('stops with etcd, and brings it up again', async () => {
    await box.type('atomic stop etcd');
    expect([await stateOf('etcd'), await stateOf('flannel')]).toEqual(['inactive', 'inactive']);

    await box.type('atomic run flannel');

    expect([await stateOf('etcd'), await stateOf('flannel')]).toEqual(['active', 'active']);
    expect(await box.type('atomic containers list -q')).toBe('etcd\nflannel\n');
  });

  it('takes its drop-in along when it goes, and systemd knows', async () => {
    await box.type('atomic uninstall flannel');

    expect(await box.type('systemctl show docker -p DropInPaths')).toBe('DropInPaths=\n');
    expect(await box.type('systemctl show docker -P NeedDaemonReload')).toBe('no\n');
    expect((await box.sh(`ls -d $(dirname ${DROP_IN})`)).exitCode).not.toBe(0);
    expect(await box.type('ls -A /run/flannel')).toBe('');
    expect(await stateOf('etcd')).toBe('active');
    await box.type('rm /etc/systemd/system/docker.service');
  });
});

describe('etcd that is uninstalled', () => {
  it('takes its client along, and leaves its data', async () => {
    await box.type('atomic uninstall etcd');

    expect((await box.sh('ls /usr/local/bin/etcd-ctl')).exitCode).not.toBe(0);
    expect(await box.type('ls /var/lib/etcd')).toBe('member\n');
    expect(await tracesIn(box)).toBe('');
  });

  it('finds them when it is installed again', async () => {
    await box.type('atomic install --system etcd && systemctl start etcd');

    expect(await box.type(READ)).toBe(`${NETWORK}\n`);
    await box.type('atomic uninstall etcd');
    expect(await tracesIn(box)).toBe('');
  });
});
