# The one door. `make help` lists what is behind it.

CARGO ?= cargo
RELEASE := target/release
# Tools that Makefile's own scripts need, and nothing else, go here.
PYTHON ?= python3

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: lib
lib: ## build the library: target/release/libwxlink.so and libwxlink.a
	@$(CARGO) build --locked --release --package wxlink
	@ln -sf libwxlink.so $(RELEASE)/libwxlink.so.1

.PHONY: sandbox
sandbox: ## build the simulator of WeChat's side: target/release/wxlink-sandbox
	@$(CARGO) build --locked --release --package wxlink-sandbox

.PHONY: demo
demo: lib sandbox ## watch a C program link a mini program against the sandbox
	@$(PYTHON) tools/demo.py $(RELEASE)

.PHONY: test
test: lint lib ## run every check there is
	@WXLINK_LIB_DIR=$(CURDIR)/$(RELEASE) $(CARGO) test --locked --workspace
	@$(MAKE) --no-print-directory demo > target/demo.txt || { cat target/demo.txt; exit 1; }
	@echo "make test: all passed (make demo too: see target/demo.txt)"

.PHONY: lint
lint: ## check formatting and lints
	@$(CARGO) fmt --all --check
	@$(CARGO) clippy --locked --workspace --all-targets --quiet -- --deny warnings

.PHONY: deny
deny: ## check the dependencies' licences, versions and advisories (builds cargo-deny: minutes)
	@$(CARGO) install --quiet --locked --root target/tools cargo-deny@0.20.2
	@target/tools/bin/cargo-deny --locked --all-features check licenses bans sources
	@target/tools/bin/cargo-deny --locked --all-features check advisories || \
		$(PYTHON) tools/advisories_unreachable.py

.PHONY: generate
generate: lib ## write the header, the symbols file and the generated pages anew
	@WXLINK_LIB_DIR=$(CURDIR)/$(RELEASE) WXLINK_GENERATE=1 $(CARGO) test --locked --quiet --test generated

.PHONY: clean
clean: ## remove everything that was built
	@$(CARGO) clean
	@rm -rf .venv
