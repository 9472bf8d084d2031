# The one door. `make help` lists what is behind it.

CARGO ?= cargo
PYTHON ?= python3
RELEASE := target/release
# Everything that is built stays in the checkout.
export CARGO_TARGET_DIR := $(CURDIR)/target
# Says what is left out for want of which tool; in CI that is a failure.
skipped = { echo "SKIPPED: $(1), for want of $(2)" >&2; test "$$CI" != true; }

# What is built knows nothing of where: the same commit gives the same bytes in any folder.
ANYWHERE = --remap-path-prefix=$(CURDIR)=/wxlink --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# All are built in one go: what they share is then compiled once.
.PHONY: build
build: ## build the library, the command and the sandbox in target/release
	@RUSTFLAGS="$(RUSTFLAGS) $(ANYWHERE)" $(CARGO) build --locked --release
	@ln -sf libwxlink.so $(RELEASE)/libwxlink.so.1

IN ?= c
.PHONY: demo
demo: build ## watch a program link a mini program against the sandbox; IN=python, go, cpp ...
	@$(PYTHON) tools/demo.py $(RELEASE) $(IN)

PREFIX ?= /usr/local
.PHONY: install
install: ## install what was built under PREFIX (/usr/local); see docs/installing.md
	@PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" DESTDIR="$(DESTDIR)" tools/install.sh

.PHONY: uninstall
uninstall: ## remove what make install with the same PREFIX and LIBDIR installed
	@PREFIX="$(PREFIX)" LIBDIR="$(LIBDIR)" DESTDIR="$(DESTDIR)" tools/uninstall.sh

.PHONY: test-install
test-install: build ## install into a scratch folder and build C, C++, Go and static programs from it
	@tests/install/test

.PHONY: reproducible
reproducible: ## build the last commit twice in two folders and compare what comes of it: minutes
	@tools/reproducible.sh

.PHONY: package
package: ## check that the crate can be packaged and builds from its package
	@$(CARGO) package --quiet --locked --allow-dirty --package wxlink

ONLY ?=
.PHONY: dist
dist: build ## make the release in target/dist: archives, wheels, sdist; ONLY=x86_64-linux-gnu: half an hour
	@$(PYTHON) tools/dist.py $(if $(ONLY),--only "$(ONLY)")

.PHONY: test-dist
test-dist: build ## check the release in target/dist, and run what this machine can run
	@$(PYTHON) tools/dist.py --check

LANGUAGES := c cpp go java php cobol pascal
.PHONY: test
test: lint build ## run every check there is
	@WXLINK_LIB_DIR=$(CURDIR)/$(RELEASE) $(CARGO) test --locked
	@WXLINK_LIB_DIR=$(CURDIR)/$(RELEASE) benches/instructions
	@for language in $(LANGUAGES:%=bindings/%) python; do \
		echo "$$language: its own tests"; \
		WXLINK_LIB_DIR=$(CURDIR)/$(RELEASE) $$language/test || exit 1; \
	done
	@for language in $(LANGUAGES) python; do \
		$(PYTHON) tools/demo.py $(RELEASE) $$language > target/demo-$$language.txt 2>&1; code=$$?; \
		if [ $$code = 127 ]; then $(call skipped,the story in $$language,its tools) || exit 1; \
		elif [ $$code != 0 ]; then cat target/demo-$$language.txt; exit 1; \
		else echo "$$language: the story went as it should (target/demo-$$language.txt)"; fi; \
	done
	@$(MAKE) --no-print-directory package test-install
	@echo "make test: all passed"

# The library without the stores, which docs/tokens.md promises can be built.
SMALL := --no-default-features --features capi
.PHONY: lint
lint: ## check formatting and lints
	@if $(CARGO) fmt --version >/dev/null 2>&1; \
		then $(CARGO) fmt --all --check; \
		else $(call skipped,formatting,rustfmt); fi
	@if $(CARGO) clippy --version >/dev/null 2>&1; \
		then $(CARGO) clippy --locked --all-targets --quiet -- --deny warnings && \
			$(CARGO) clippy --locked --package wxlink --lib $(SMALL) --quiet -- --deny warnings; \
		else $(call skipped,lints,clippy); fi
	@# The command without the simulator in it.
	@if $(CARGO) clippy --version >/dev/null 2>&1; \
		then $(CARGO) clippy --locked --package wxlink-cli --no-default-features --quiet -- --deny warnings; fi

# What needs a nightly compiler, and is left out where there is none.
NIGHTLY_TARGET := x86_64-unknown-linux-gnu
TSAN_FLAGS := -Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg wxlink_tsan
.PHONY: sanitize
sanitize: ## run the Rust tests under AddressSanitizer and ThreadSanitizer (needs a nightly compiler)
	@if $(CARGO) +nightly --version >/dev/null 2>&1; then \
		CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/asan RUSTFLAGS=-Zsanitizer=address \
		$(CARGO) +nightly test --locked --target $(NIGHTLY_TARGET) --package wxlink --lib \
			--test ensure --test cancel --test wire --test vectors --test corpus && \
		CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/tsan RUSTFLAGS="$(TSAN_FLAGS)" \
		TSAN_OPTIONS=suppressions=$(CURDIR)/tests/tsan.supp \
		$(CARGO) +nightly test --locked --target $(NIGHTLY_TARGET) --package wxlink --test threads; \
	else echo "SKIPPED: the Rust tests under sanitizers, for want of a nightly compiler" >&2; fi

.PHONY: miri
miri: ## run the C interface's handles and texts under Miri (needs a nightly compiler with miri)
	@if $(CARGO) +nightly miri --version >/dev/null 2>&1; then \
		MIRIFLAGS=-Zmiri-disable-isolation $(CARGO) +nightly miri test --locked --package wxlink --test corpus pointers && \
		MIRIFLAGS=-Zmiri-disable-isolation $(CARGO) +nightly miri test --locked --package wxlink --lib -- \
			ffi::tests::versions ffi::tests::every_status_and_class_has_its_text; \
	else echo "SKIPPED: Miri, for want of a nightly compiler with miri" >&2; fi

FUZZ_SECONDS ?= 60
.PHONY: fuzz
fuzz: ## fuzz each target for FUZZ_SECONDS (needs a nightly compiler; builds cargo-fuzz)
	@$(CARGO) install --quiet --locked --root target/tools cargo-fuzz@0.13.2
	@for target in answer exec options pointer; do \
		PATH=$(CURDIR)/target/tools/bin:$$PATH $(CARGO) +nightly fuzz run --target $(NIGHTLY_TARGET) $$target \
			target/fuzz/$$target fuzz/corpus/$$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=4096 || exit 1; \
	done

.PHONY: bench
bench: build ## measure the library beside its peers, and what the sandbox can take
	@WXLINK_LIB_DIR=$(CURDIR)/$(RELEASE) benches/run $(BENCH)
	@$(CARGO) test --locked --release --package wxlink-sandbox --test capacity -- --ignored --nocapture
	@WXLINK_LIB_DIR=$(CURDIR)/$(RELEASE) benches/bulk

.PHONY: soak
soak: ## 100,000 calls with 5 % faults: memory, descriptors and threads must not grow
	@WXLINK_SOAK_CALLS=100000 $(CARGO) test --locked --test soak

.PHONY: model
model: ## 10,000 random stories of faults, restarts and decisions: minutes
	@WXLINK_MODEL_RUNS=10000 $(CARGO) test --locked --test model

ADVISORY_DB ?=
.PHONY: deny
deny: ## check the dependencies' licences, versions, sources and advisories; ADVISORY_DB=a local copy (builds cargo-deny: minutes)
	@$(CARGO) install --quiet --locked --root target/tools cargo-deny@0.20.2
	@target/tools/bin/cargo-deny --locked --all-features check licenses bans sources
	@ADVISORY_DB="$(ADVISORY_DB)" tools/advisories.sh target/tools/bin/cargo-deny

.PHONY: generate
generate: build ## write the header, the symbols file and the generated pages anew
	@WXLINK_LIB_DIR=$(CURDIR)/$(RELEASE) WXLINK_GENERATE=1 $(CARGO) test --locked --quiet --test generated --test fault_matrix

.PHONY: clean
clean: ## remove everything that was built
	@$(CARGO) clean
	@rm -rf .venv python/wxlink/*.so
