# The front door. `make help` lists what there is.
SHELL := /bin/bash
PREFIX ?= /usr/local
DESTDIR ?=
BIN := node_modules/.bin
LIBRARY := $(DESTDIR)$(PREFIX)/lib/atomic
SHARE := $(DESTDIR)$(PREFIX)/share
UNITS := $(DESTDIR)$(PREFIX)/lib/systemd

# what building, the demo and the bench need; `make packages` needs PACKAGE_TOOLS, the tests need TEST_PACKAGES, too
DEBIAN_PACKAGES := systemd systemd-sysv systemd-container dbus runc crun skopeo ostree docker-registry jq curl \
	iproute2 util-linux procps hyperfine golang-github-containers-common libcap2-bin ncat zstd gzip tar socat
DEBIAN_PACKAGE_TOOLS := rpm
DEBIAN_TEST_PACKAGES := ansible docker.io uidmap dbus-user-session libpam-systemd etcd-server etcd-client strace \
	umoci btrfs-progs xfsprogs man-db mandoc zsh fish dnf cpio rpm2cpio $(DEBIAN_PACKAGE_TOOLS)
FEDORA_PACKAGES := systemd systemd-container dbus-daemon runc crun skopeo ostree docker-distribution jq curl \
	iproute util-linux procps-ng hyperfine containers-common libcap nmap-ncat zstd gzip tar socat which
FEDORA_PACKAGE_TOOLS := rpm-build
FEDORA_TEST_PACKAGES := ansible moby-engine etcd strace umoci btrfs-progs xfsprogs man-db mandoc \
	zsh fish util-linux-script dnf cpio dpkg $(FEDORA_PACKAGE_TOOLS)

# `make vm`
DEBIAN_VM_PACKAGES := qemu-system-x86 mmdebstrap policycoreutils e2fsprogs

# $(call install-packages,DEBIAN,FEDORA)
define install-packages
@if command -v apt-get >/dev/null; then \
  dpkg-query -W -f='$${Status}\n' $(1) 2>/dev/null | grep -c '^install ok installed' | grep -qx $(words $(1)) \
    || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1); }; \
elif command -v dnf >/dev/null; then \
  rpm -q $(2) >/dev/null || dnf install -y -q $(2); \
else \
  echo 'make: neither apt-get nor dnf is here; install: $(1)' >&2; exit 1; \
fi
endef

.PHONY: help deps test-deps build lint unit check test shell faults fixtures demo bench vm vm-deps packages package-deps \
	install install-files install-licences install-units clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 12

deps: node_modules/.package-lock.json ## install what building, the demo and the bench need (root)
	$(call install-packages,$(DEBIAN_PACKAGES),$(FEDORA_PACKAGES))

test-deps: deps ## install what the tests need besides (root)
	$(call install-packages,$(DEBIAN_TEST_PACKAGES),$(FEDORA_TEST_PACKAGES))

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

build: node_modules/.package-lock.json ## bundle the program into dist/, with manual pages and completions
	@npm run --silent build
	@$(BIN)/tsx src/packaging/build-share.ts

lint: node_modules/.package-lock.json ## check types and style
	@$(BIN)/tsc --noEmit & types=$$!; npm run --silent lint && wait $$types

unit: node_modules/.package-lock.json ## run the unit tests: no root, no build
	@$(BIN)/vitest run --config test/vitest.config.ts --project unit

check: node_modules/.package-lock.json ## what to run before a commit: lint and unit, side by side
	@$(MAKE) --no-print-directory --jobs --output-sync=target lint unit

test: build $(if $(ONLY),,lint) ## run all tests (root), or those in the file or with the name ONLY=…
	@test/run $(if $(ONLY),'$(ONLY)')

shell: fixtures build ## open a shell in a throwaway machine with atomic and the fixtures' registry (root)
	@$(BIN)/tsx test/support/shell.ts

faults: test-deps build lint fixtures ## try every fault at every step, kills, power cuts and 20,000 inputs a parser (root)
	@FAULTS=all $(BIN)/vitest run --config test/vitest.config.ts --project unit test/unit/properties
	@FAULTS=all $(BIN)/vitest run --config test/vitest.config.ts --project faults

fixtures: test-deps ## build the test images into .cache/fixtures
	@$(BIN)/tsx test/support/build-images.ts

vm: packages vm-deps fixtures ## try the package in a virtual machine with SELinux enforcing (root, Debian)
	@test/vm/build-root
	@$(BIN)/vitest run --config test/vitest.config.ts --project vm

vm-deps:
	@command -v apt-get >/dev/null || { echo 'make: the virtual machine needs the package sources of a Debian' >&2; exit 1; }
	$(call install-packages,$(DEBIAN_VM_PACKAGES),)

demo: deps build ## show the main path in a throwaway machine (root)
	@$(BIN)/tsx test/demo/demo.ts

bench: deps build ## measure: JSON lines, then a table with the goals; ONLY=NAME measures one (root)
	@$(BIN)/tsx test/bench/bench.ts

packages: build package-deps ## make an RPM, a Debian package and an npm package in dist/packages
	@rm -rf dist/packages
	@src/packaging/build-packages dist/packages
	@ls -1 dist/packages/*

package-deps:
	$(call install-packages,$(DEBIAN_PACKAGE_TOOLS),$(FEDORA_PACKAGE_TOOLS))

install: build install-files install-licences ## install to $(DESTDIR)$(PREFIX), /etc and /var/lib

# Everything that is installed: packages are made with this target, too. A configuration that is there is kept.
install-files: install-units
	install -D -m 0755 bin/atomic $(LIBRARY)/bin/atomic
	find dist -path dist/share -prune -o -path dist/packages -prune -o -name THIRD-PARTY-LICENSES -o -type f -printf '%P\n' \
	  | xargs -I{} install -D -m 0644 dist/{} $(LIBRARY)/dist/{}
	install -d $(DESTDIR)$(PREFIX)/bin
	ln -sfn ../lib/atomic/bin/atomic $(DESTDIR)$(PREFIX)/bin/atomic
	find dist/share -type f -printf '%P\n' | xargs -I{} install -D -m 0644 dist/share/{} $(SHARE)/{}
	[ -e $(DESTDIR)/etc/atomic.conf ] || install -D -m 0644 src/packaging/atomic.conf $(DESTDIR)/etc/atomic.conf
	install -d -m 0700 $(DESTDIR)/var/lib/containers/atomic

# in packages, this is where packages of the distribution have theirs
install-licences:
	install -D -m 0644 dist/THIRD-PARTY-LICENSES $(SHARE)/doc/atomic/THIRD-PARTY-LICENSES

# enabled by links: there is nothing to decide, and `systemctl mask` is the way to do without
install-units:
	install -d $(UNITS)/system/basic.target.wants $(UNITS)/user/basic.target.wants
	sed 's|@bin@|$(PREFIX)/bin|' src/units/atomic-recover.service > $(UNITS)/system/atomic-recover.service
	sed 's|@bin@|$(PREFIX)/bin|' src/units/user/atomic-recover.service > $(UNITS)/user/atomic-recover.service
	chmod 0644 $(UNITS)/system/atomic-recover.service $(UNITS)/user/atomic-recover.service
	ln -sfn ../atomic-recover.service $(UNITS)/system/basic.target.wants/atomic-recover.service
	ln -sfn ../atomic-recover.service $(UNITS)/user/basic.target.wants/atomic-recover.service

clean: ## remove what the other targets made
	rm -rf dist .cache node_modules
