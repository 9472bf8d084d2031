# The entry point of the project: `make help` lists the targets. A recipe of more than a few lines
# is a script in tools/.

CARGO ?= cargo
PYTHON ?= python3
RELEASE := target/release
LIBRARIES := target/libraries
export CARGO PYTHON
# Everything that is built stays in the checkout.
export CARGO_TARGET_DIR := $(CURDIR)/target
# Makes a recipe use the libraries and programs that `make build` built.
USE_BUILD := WXLINK_LIB_DIR=$(CURDIR)/$(RELEASE)

# No path of this machine is in what is built: the same commit gives the same bytes in any folder.
CARGO_FOLDER := $(or $(CARGO_HOME),$(HOME)/.cargo)
NO_PATHS := --remap-path-prefix=$(CURDIR)=/wxlink --remap-path-prefix=$(CARGO_FOLDER)=/cargo
# All release builds take the same flags. With others cargo would compile everything again.
RELEASE_FLAGS = RUSTFLAGS="$(RUSTFLAGS) $(NO_PATHS)"

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The first command builds everything, so that shared crates are compiled once. The second builds
# the libraries again without the one for Rust programs: the compiler then drops what only those
# call, a ninth of the library. It has its own folder, because both write files of the same names.
.PHONY: build
build: ## build the library, the command and the simulator in target/release
	@$(RELEASE_FLAGS) $(CARGO) build --locked --release
	@$(RELEASE_FLAGS) $(CARGO) rustc --locked --release --target-dir $(LIBRARIES) \
		--package wxlink --lib --crate-type cdylib,staticlib
	@ln -f $(LIBRARIES)/release/libwxlink.so $(LIBRARIES)/release/libwxlink.a $(RELEASE)
	@ln -sf libwxlink.so $(RELEASE)/libwxlink.so.1

IN ?= c
.PHONY: demo
demo: build ## watch a program link a mini program in the simulator; IN=python, go ... or platform
	@$(USE_BUILD) $(PYTHON) tools/demo.py $(IN)

PREFIX ?= /usr/local
.PHONY: install
install: ## install what was built under PREFIX (/usr/local); see docs/installing.md
	@PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" UNITDIR="$(UNITDIR)" DESTDIR="$(DESTDIR)" tools/install.sh

.PHONY: uninstall
uninstall: ## remove what make install with the same PREFIX and LIBDIR installed
	@PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" UNITDIR="$(UNITDIR)" DESTDIR="$(DESTDIR)" tools/uninstall.sh

.PHONY: test-install
test-install: build ## install into a scratch folder, build C, C++, Go programs from it and run them
	@$(USE_BUILD) tests/install/test.sh

.PHONY: reproducible
reproducible: ## build the last commit in two folders and compare the results: minutes
	@tools/reproducible.sh

ONLY ?=
.PHONY: dist
dist: build ## build the release in target/dist; ONLY=x86_64-linux-gnu builds a part: hours on two cores
	@$(PYTHON) tools/dist.py $(if $(ONLY),--only "$(ONLY)")

.PHONY: test-dist
test-dist: build ## check the release in target/dist, and run what this machine can run
	@$(PYTHON) tools/dist.py --check

.PHONY: deb
deb: build ## make Debian packages in target/deb: minutes
	@tools/need.sh "the Debian packages" dpkg-buildpackage dh_python3 && $(PYTHON) tools/deb.py \
		|| [ $$? = 77 ]

.PHONY: test-deb
test-deb: deb ## install, use, upgrade and remove them in a clean root (needs sudo and a mirror)
	@tests/deb/test.sh || [ $$? = 77 ]

PACKAGES ?=
.PHONY: test-packages
test-packages: build ## install the packages in target/dist in clean folders and run them (downloads)
	@$(PYTHON) tests/packages/run.py $(PACKAGES)

.PHONY: crates
crates: ## check that all crates can be published, and build each from its package: minutes
	@$(CARGO) publish --dry-run --workspace --locked --allow-dirty

.PHONY: rustdoc
rustdoc: ## build the reference of all crates; a warning, such as a broken link, is an error
	@RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --quiet --locked --workspace --no-deps

# What a release needs besides `make test`, each a target of this file.
RELEASE_CHECKS := dist test-dist test-packages crates rustdoc reproducible soak late-effects \
	serve-kills redis-versions test-deb test-postgresql test-windows interop interop-faults
.PHONY: release-check
release-check: ## build the release and run all long checks: hours; CI=true: none may be skipped
	@set -e; for check in $(RELEASE_CHECKS); do \
		echo "== make $$check"; \
		$(MAKE) --no-print-directory $$check; \
	done
	@echo "make release-check: all passed"

WINDOWS ?= i686 x86_64
.PHONY: test-windows
test-windows: build ## test the DLLs in target/dist under Wine (after make dist ONLY=windows): minutes
	@$(USE_BUILD) $(PYTHON) tests/windows/test.py $(WINDOWS) || [ $$? = 77 ]

LANGUAGES := c cpp csharp go java php cobol pascal python node
.PHONY: test
test: lint build ## run all checks
	@$(USE_BUILD) $(CARGO) test --locked
	@$(USE_BUILD) benches/instructions.py
	@$(USE_BUILD) tools/test_languages.sh $(LANGUAGES)
	@$(MAKE) --no-print-directory test-install test-browser
	@echo "make test: all passed"

.PHONY: test-browser
test-browser: build ## test the simulator's panel in Chromium
	@$(USE_BUILD) tests/browser/test.sh || [ $$? = 77 ]

.PHONY: test-postgresql
test-postgresql: build ## test the PostgreSQL extension with a server of its own
	@$(USE_BUILD) bindings/postgresql/test.sh || [ $$? = 77 ]

.PHONY: site
site: ## build the pages, the header and rustdoc as a site in target/site/html; checks its links
	@tools/site/build.sh

.PHONY: test-pages
test-pages: build ## run the commands of the English pages against the simulator
	@$(USE_BUILD) $(PYTHON) tests/pages/run.py

.PHONY: lint
lint: ## check formatting and lints
	@tools/lint.sh

.PHONY: sanitize
sanitize: ## run Rust tests under AddressSanitizer and ThreadSanitizer (needs a nightly compiler)
	@tools/sanitize.sh

.PHONY: miri
miri: ## run tests of the C interface under Miri (needs a nightly compiler with miri)
	@tools/miri.sh

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: ## fuzz each target for FUZZ_SECONDS (needs a nightly compiler; installs cargo-fuzz)
	@tools/fuzz.sh $(FUZZ_SECONDS)

BENCH ?=
.PHONY: bench
bench: build ## measure the library beside its peers, and the limits of the simulator
	@$(USE_BUILD) benches/run.py $(BENCH)
	@$(RELEASE_FLAGS) $(CARGO) test --locked --release --package wxlink-sandbox \
		--test capacity -- --ignored --nocapture
	@$(USE_BUILD) benches/bulk.py
	@$(USE_BUILD) benches/pushes.py
	@$(USE_BUILD) benches/scale.py
	@$(USE_BUILD) benches/monitoring.py

SDK ?=
.PHONY: interop
interop: build ## take SDKs of other projects through the simulator; SDK=wechatpy takes one (downloads)
	@$(USE_BUILD) interop/run.py $(SDK)

.PHONY: interop-faults
interop-faults: build ## compare those SDKs and wxlink under faults, for docs/comparison.md: 5 minutes
	@$(USE_BUILD) interop/run.py --faults $(SDK)

.PHONY: soak
soak: ## make 100,000 calls with 5 % faults: memory, descriptors and threads must not grow
	@WXLINK_SOAK_CALLS=100000 $(CARGO) test --locked --test soak

.PHONY: model
model: ## test 100,000 random sequences of faults, kills, stops and decisions: hours
	@WXLINK_MODEL_RUNS=100000 $(CARGO) test --locked --test model -- --nocapture

.PHONY: redis-versions
redis-versions: ## run the tests of stores and queues with Redis 6.2, Redis 8 and Valkey 9 (downloads)
	@tools/redis_versions.sh

.PHONY: late-effects
late-effects: ## let posts take effect 0.7 to 11 s after their callers have left: half a minute
	@WXLINK_LATE_EFFECTS=1 $(CARGO) test --locked --test claims however_late -- --nocapture

.PHONY: serve-kills
serve-kills: ## kill instances of wxlink serve during 10,000 pushes for each store: minutes
	@WXLINK_SERVE_PUSHES=10000 $(CARGO) test --locked --package wxlink-cli \
		--test serve kills -- --nocapture

ADVISORY_DB ?=
.PHONY: deny
deny: ## check the dependencies; ADVISORY_DB=a copy of the database (installs cargo-deny: minutes)
	@$(CARGO) install --quiet --locked --root target/tools cargo-deny@0.20.2
	@target/tools/bin/cargo-deny --locked --all-features check licenses bans sources
	@ADVISORY_DB="$(ADVISORY_DB)" tools/advisories.sh target/tools/bin/cargo-deny

.PHONY: generate
generate: build ## write everything that comes from the tables: header, symbols, bindings, pages
	@$(USE_BUILD) WXLINK_GENERATE=1 $(CARGO) test --locked --quiet \
		--test generated --test fault_matrix

PAGES ?=
.PHONY: translated
translated: ## mark Chinese pages as up to date with PAGES, such as "README.md docs/bulk.md"
	@tools/translated.sh $(PAGES)

.PHONY: clean
clean: ## remove everything that was built
	@$(CARGO) clean
	@rm -rf .venv python/wxlink/*.so bindings/node/prebuilds bindings/node/node_modules
