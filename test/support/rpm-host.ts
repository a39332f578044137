/** Makes a box a host whose software comes in RPM packages, as far as one of Debian can be: with rpm's own programs. */
import type { TestBox } from './test-box.ts';

/** The package that has what every host has: rpm itself, and the directories of the system. */
const SYSTEM_SPEC = `
Name: system
Version: 1
Release: 1
Summary: What every host has
License: MIT
BuildArch: noarch
AutoReqProv: no
Provides: libsystem = 1.5
Provides: /bin/sh
Provides: /sbin/ldconfig

%description
What every host has.

%files
%dir /etc
%dir /opt
%dir /usr
%dir /usr/bin
%dir /usr/lib
%dir /usr/lib/systemd
%dir /usr/lib/systemd/system
%dir /usr/lib/tmpfiles.d
%dir /usr/local
%dir /usr/local/bin
/usr/bin/rpm
/usr/share/system
`;

/**
 * Gives a box a database of packages where hosts have it, with one package in it. dnf has no repositories, as on a host
 * without a network.
 */
export async function makeRpmHost(box: TestBox): Promise<void> {
  await box.type(`
    mkdir -p /etc/rpm && echo '%_dbpath /var/lib/rpm' > /etc/rpm/macros && rpm --initdb
    mkdir -p /root/system/root/usr/bin /root/system/root/usr/share /root/system/root/etc /root/system/root/opt
    cd /root/system/root && mkdir -p usr/lib/systemd/system usr/lib/tmpfiles.d usr/local/bin
    cp /usr/bin/rpm usr/bin/rpm && echo 1 > usr/share/system`);
  await buildRpm(box, { name: 'system', spec: SYSTEM_SPEC, root: '/root/system/root' });
  await box.type('rpm -U --replacefiles /root/rpms/system.rpm && rpm -q system && rm -r /root/system');
}

/** Builds a package from a spec file and a directory with its files; it is /root/rpms/NAME.rpm in the box. */
export async function buildRpm(
  box: TestBox,
  { name, spec, root = '/root/empty' }: { name: string; spec: string; root?: string },
): Promise<void> {
  await box.run(['tee', `/root/${name}.spec`], { input: spec });
  const macros = [
    '_rpmdir /root/rpms',
    '_topdir /root/rpmbuild',
    `_build_name_fmt ${name}.rpm`,
    '_binaries_in_noarch_packages_terminate_build 0',
  ];
  const defines = macros.map((macro) => `--define '${macro}'`).join(' ');
  await box.type(
    `mkdir -p /root/empty && rpmbuild -bb --quiet --noclean --buildroot ${root} ${defines} /root/${name}.spec`,
  );
}
