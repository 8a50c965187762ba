# Every target works from a fresh clone with Rust, Python 3 and make, and installs what else it needs into .venv.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help demo test fmt lint rust python figures template package soak bench fuzz prove mutants audit release reproducible trial deploy stackset clean

VENV := .venv
BIN := $(VENV)/bin
BENCH := target/bench
SOAK := target/soak
CALLS := target/calls.jsonl
CARGO_MUTANTS := target/tools/bin/cargo-mutants
# Nothing here may reach AWS: no credentials are needed, and no telemetry is sent.
export SAM_CLI_TELEMETRY := 0
# `deploy` is the exception: it takes the Region and credentials of your profile.
python template package: export AWS_DEFAULT_REGION := us-east-1
export PATH := $(CURDIR)/$(BIN):$(PATH)

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

# `cargo test` builds the binaries too. `cargo build` would build the SDK once more, without the features of the tests.
# All targets test with the same features, guardctl's: with others much would be built once more.
TEST := cargo test --locked --features cli
demo: tools-cargo ## Show the guard at work, in an account inside the demo
	@$(TEST) --quiet --test demo

# The package is built beside the other checks: either is a single thread for minutes. Of the functions the guard alone,
# whose instructions are counted: to link one takes minutes, and `make package` and `make release` link all.
test: ## Run every check
	@$(MAKE) --no-print-directory -j2 package checks FUNCTION=Guard

# What needs no Python begins while .venv is made.
.PHONY: compiled checks
compiled:
	@for check in lint rust; do $(MAKE) --no-print-directory $$check; done
checks: compiled $(VENV)/installed
	@for check in python template figures; do $(MAKE) --no-print-directory $$check; done

fmt: tools-cargo ## Format the code
	@cargo fmt

# Where it is compiled more than it runs.
UNOPTIMISED := --config profile.dev.package.ecs-privileged-guard.opt-level=0
# As `cargo clippy --all-targets --all-features -- -D warnings`, which would check each dependency once more: here clippy
# looks at this package while it is built over the dependencies that the tests are built over (5 minutes of CPU from cold).
lint: tools-cargo ## Check formatting, lints, and that no second TLS stack came in
	@cargo fmt --check
	@CLIPPY_ARGS=-Dwarnings RUSTC_WORKSPACE_WRAPPER=clippy-driver cargo $(UNOPTIMISED) --config profile.dev.debug=false \
	  build --quiet --locked --all-targets --all-features
	@tree=$$(cargo tree --locked --all-features --edges normal,build --prefix none); ! grep -q '^aws-lc-sys' <<<"$$tree" || { echo "aws-lc-sys came in: see Cargo.toml"; exit 1; }

# What IAM would have been asked, of all tests or of none: a run that fails leaves no log. Tests of guardctl mostly wait,
# and some of the others do.
rust: tools-cargo tools-aws ## Run the tests in Rust, the demo among them
	@rm -rf $(CALLS) $(CALLS).part $${CARGO_TARGET_DIR:-target}/figures
	@$(TEST) $(UNOPTIMISED) --lib
	@CALLS_LOG=$(CURDIR)/$(CALLS).part RUST_TEST_THREADS=4 $(TEST) --test it --test model --test demo
	@CALLS_LOG=$(CURDIR)/$(CALLS).part $(TEST) --test guardctl -- --test-threads 6
	@mv $(CALLS).part $(CALLS)

$(CALLS): $(shell find src tests/it tests/demo -name '*.rs') Cargo.toml Cargo.lock
	@$(MAKE) --no-print-directory rust

python: $(VENV)/installed tools-cargo tools-aws tools-browser $(CALLS) ## Run the tests in Python: the binary against moto, the template and its roles, ECS's newest model, the report in a browser
	@$(TEST) --quiet --test it --no-run
	@$(BIN)/pytest -q -rs --numprocesses 2 --dist loadfile tests/e2e

# The same sources need no second proof: what holds is kept under their hash, and a run goes on with what is missing.
SOURCES = $$({ git ls-files -co --exclude-standard src/lib.rs src/config.rs src/telemetry.rs src/aws src/domain src/lambda src/reconcile tests/bad tests/it tests/model tests/mutants/domain.rs events | sort | xargs sha256sum; cargo tree --locked --prefix none | tail -n +2; } | sha256sum | cut -c1-12)

OPTIMISED := cargo test --locked --profile prove
prove: tools-cargo ## Search for hours what `make test` searches for seconds; again after a stop, it goes on (PROVE_SEED=1)
	@to=$(CURDIR)/target/proven/$(SOURCES)-$${PROVE_SEED:-1}-$${PAIRS_ONE_IN:-all}; \
	  PROVE=$$to $(OPTIMISED) --test it faults::every \
	    && PROVE=$$to $(OPTIMISED) --test it -- --ignored --nocapture --skip soak:: --skip served:: \
	    && $(OPTIMISED) --test model -- --ignored --nocapture && holds=0 || holds=$$?; \
	  python3 tests/prove.py $$to; exit $$holds

mutants: $(VENV)/installed tools-cargo tools-aws $(CARGO_MUTANTS) ## Break each line of the domain, and a part of the rest (MUTANTS=0/40): the tests must notice
	@to=target/mutants/$(SOURCES); tests/mutants/run.sh $$to $${MUTANTS:-0/40} && \
	  $(BIN)/python tests/mutants/gate.py $$to/*/mutants.out

figures: $(VENV)/installed ## Show what the tests reached, and that tests/README.md does not say more
	@$(BIN)/python tests/e2e/figures.py $${CARGO_TARGET_DIR:-target}/figures

template: $(VENV)/installed ## Check the templates
	@$(BIN)/cfn-lint --non-zero-exit-code informational template.yaml policies/*.yaml
	@$(BIN)/sam validate --lint --template template.yaml

package: $(VENV)/installed tools-cargo ## Build the deployable package for x86_64, as `sam build` does for Lambda, and count (FUNCTION=Guard: it alone)
	@$(BIN)/sam build $(FUNCTION) --parameter-overrides Architecture=x86_64
	@$(BIN)/python tests/e2e/package.py .aws-sam/build/*/bootstrap
	@command -v valgrind >/dev/null || [ "$$(id -u)" != 0 ] || { apt-get update -qq && apt-get install -qq --yes valgrind; } || true
	@if command -v valgrind >/dev/null; then cargo run --quiet --locked --features cli --example bench -- instructions .aws-sam/build/Guard/bootstrap; else echo "instructions not counted: valgrind is missing (apt-get install valgrind)"; fi

# As they are deployed, and copied away: other targets build others under the same names.
soak: tools-cargo ## Soak the functions: MINUTES=60 of RATE=20 mixed events a second with random faults, by SEED
	@cargo build --quiet --release --locked --bins
	@mkdir -p $(SOAK) && cp $${CARGO_TARGET_DIR:-target}/release/{guard,backout,sweep} $(SOAK)
	@SOAK_BINARIES=$(abspath $(SOAK)) SOAK_MINUTES=$(MINUTES) SOAK_RATE=$(RATE) SOAK_SEED=$(SEED) \
		$(TEST) --quiet --test it soak::an_hour -- --exact --ignored --nocapture

# The binaries are copied away: other targets build others under the same names.
bench: $(BENCH)/installed tools-cargo ## Measure the guard against a Lambda that does nothing, and against Python
	@cargo build --quiet --release --locked --features bench --bin guard --bin nothing
	@cp target/release/guard target/release/nothing $(BENCH)
	@$(BENCH)/venv/bin/python tests/bench/certificates.py $(BENCH)
	@cargo run --quiet --release --locked --example bench -- measure $(BENCH)

# libFuzzer on stable Rust: LLVM's pass for coverage is an ordinary flag of rustc, and no sanitizer (which would need
# nightly) is missed: there is no unsafe code. x86_64 Linux with g++ only.
FUZZ := target/fuzz
FUZZ_SECONDS := 60
COVERAGE := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares -Clink-dead-code
fuzz: tools-cargo ## Fuzz each reader, led by coverage, for FUZZ_SECONDS (60); what earlier runs reached is kept
	@RUSTFLAGS="$(COVERAGE)" cargo build --quiet --release --locked --manifest-path tests/fuzz/Cargo.toml --target x86_64-unknown-linux-gnu --target-dir $(FUZZ)
	@printf '%s\n' $(basename $(notdir $(wildcard tests/bad/*.txt))) | xargs -P "$$(nproc)" -I{} tests/fuzz/one.sh {} $(FUZZ_SECONDS) $(FUZZ)

# Crates.io and PyPI are enough for all but the last: the advisories are a repository of GitHub's.
AUDIT := target/audit
CARGO_DENY := target/tools/bin/cargo-deny
WORKFLOWS := $(wildcard .github/workflows/*.yml)
audit: $(VENV)/installed $(AUDIT)/installed tools-cargo $(CARGO_DENY) ## Check the templates by checkov and cfn-guard, the workflows by zizmor, the dependencies by cargo-deny, the bill of materials by its schema
	@$(AUDIT)/venv/bin/checkov --file template.yaml $(wildcard policies/*.yaml) --framework cloudformation --compact --quiet --skip-download
	@$(BIN)/python tests/supply/guard.py $(AUDIT)/*.whl $(AUDIT)
	@$(AUDIT)/venv/bin/zizmor --quiet --offline --strict-collection --persona auditor $(WORKFLOWS)
	@$(AUDIT)/venv/bin/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS)
	@$(AUDIT)/venv/bin/python tests/supply/valid.py
	@$(CARGO_DENY) --locked check --hide-inclusion-graph licenses bans sources
	@if $(CARGO_DENY) fetch db 2>$(AUDIT)/fetched; then $(CARGO_DENY) --locked check --disable-fetch advisories; \
	  elif [ -n "$${GITHUB_ACTIONS:-}" ]; then cat $(AUDIT)/fetched; exit 1; \
	  else echo "advisories not checked: their database cannot be fetched from here"; fi

# One architecture: the machine's own, or ARCHITECTURE where rustup has its library.
ARCHITECTURE ?= $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)
RELEASE = target/release-$(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
RELEASE_TOOLS := target/release-tools
release reproducible: export PATH := $(CURDIR)/$(RELEASE_TOOLS)/bin:$(PATH)
release: $(RELEASE_TOOLS)/installed tools-cargo ## Build the zips, their bill of materials and their checksums (ARCHITECTURE=x86_64 or arm64)
	@tests/supply/release.sh $(ARCHITECTURE) $(RELEASE)

reproducible: $(RELEASE_TOOLS)/installed tools-cargo ## Build the last commit twice, in two places: the bytes must be the same
	@tests/supply/reproducible.sh $(ARCHITECTURE) $(RELEASE)

trial: $(VENV)/installed ## Try what `make release` built against moto, on a machine of its architecture
	@for name in guard sweep backout; do python3 -m zipfile -e $(RELEASE)/$$name-*-$(ARCHITECTURE).zip target/trial && install target/trial/bootstrap target/trial/$$name; done
	@GUARD_BINARY=$(CURDIR)/target/trial/guard $(BIN)/pytest -q tests/e2e/test_moto.py

deploy: $(VENV)/installed ## Build and deploy to the account of your AWS credentials, with questions
	@$(BIN)/sam build
	@$(BIN)/sam deploy --guided

stackset: $(VENV)/installed ## Build, upload to CODE_BUCKET in AWS_REGION, and write target/stackset.json, which StackSets take: see FLEET.md
	@$(BIN)/sam build
	@$(BIN)/sam package --template-file .aws-sam/build/template.yaml --s3-bucket $(CODE_BUCKET) --region $(AWS_REGION) --output-template-file .aws-sam/packaged.yaml
	@mkdir -p target && $(BIN)/python tests/e2e/plain.py .aws-sam/packaged.yaml > target/stackset.json

# Needs AWS, like `deploy`. The account is taken from the command line only: to repeat it is the consent.
.PHONY: live-check
live-check: $(VENV)/installed ## Ask a sandbox account of AWS what nobody has verified: ACCOUNT=111122223333 (PLAN=1 FIXTURE=event.json MINUTES=4 JSON=1)
	@exec $(BIN)/python tests/live $(if $(filter command,$(origin ACCOUNT)),$(ACCOUNT)) --minutes $(or $(MINUTES),4) $(if $(FIXTURE),--fixture "$(FIXTURE)") $(if $(PLAN),--plan) $(if $(JSON),--json)

clean: ## Remove all that was built or installed here
	@rm -rf target .aws-sam $(VENV)

# The commands of the alert and the runbook are run by a real AWS CLI v2, which PyPI does not have, and by jq.
.PHONY: tools-aws
tools-aws:
	@command -v jq >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq --yes --no-install-recommends jq >/dev/null; } || echo "jq is missing: the runbook's commands will fail (apt-get install jq)"
	@aws --version 2>/dev/null | grep -q '^aws-cli/2' || /usr/bin/aws --version 2>/dev/null | grep -q '^aws-cli/2' || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq --yes --no-install-recommends awscli >/dev/null; } || echo "AWS CLI v2 is missing: the test of the pasted command will fail (https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html)"

.PHONY: tools-browser
tools-browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq --yes --no-install-recommends chromium >/dev/null; } || echo "Chromium is missing: no browser will look at the report (apt-get install chromium)"

.PHONY: tools-cargo
tools-cargo:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust 1.94.1 or later (rustup.rs)"; exit 1; }

$(VENV)/installed: tests/e2e/requirements.txt
	@command -v python3 >/dev/null || { echo "python3 is missing: install Python 3.11 or later with venv"; exit 1; }
	@python3 -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement tests/e2e/requirements.txt
	@touch $@

$(AUDIT)/installed: tests/supply/requirements.txt tests/supply/cfn-guard.txt
	@command -v python3 >/dev/null || { echo "python3 is missing: install Python 3.11 or later with venv"; exit 1; }
	@rm -rf $(AUDIT) && python3 -m venv $(AUDIT)/venv
	@$(AUDIT)/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/supply/requirements.txt
	@$(AUDIT)/venv/bin/pip download --quiet --disable-pip-version-check --no-deps --require-hashes --requirement tests/supply/cfn-guard.txt --dest $(AUDIT)
	@touch $@

$(RELEASE_TOOLS)/installed: tests/supply/release.txt
	@command -v python3 >/dev/null || { echo "python3 is missing: install Python 3.11 or later with venv"; exit 1; }
	@python3 -m venv $(RELEASE_TOOLS)
	@$(RELEASE_TOOLS)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes --requirement tests/supply/release.txt
	@touch $@

$(CARGO_DENY):
	@cargo install --quiet --locked --version 0.20.2 --root target/tools cargo-deny

$(CARGO_MUTANTS):
	@cargo install --quiet --locked --version 27.1.0 --root target/tools cargo-mutants

$(BENCH)/installed: tests/bench/requirements.txt
	@command -v python3 >/dev/null || { echo "python3 is missing: install Python 3.11 or later with venv"; exit 1; }
	@python3 -m venv $(BENCH)/venv
	@$(BENCH)/venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/bench/requirements.txt
	@touch $@
