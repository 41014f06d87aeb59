# Every task a person runs. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Cargo uses all cores by itself, and what fails fast comes first.
.NOTPARALLEL:

# Absolute: SAM builds in handler/, where a relative one would be another folder.
export CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),target))
export SAM_CLI_TELEMETRY := 0

# The table of samconfig.toml that `make deploy` takes.
STAGE ?= default
EVENT ?= events/create.json
# How long the fuzzer looks, in seconds.
FUZZ_SECONDS ?= 60
# What the demo runs on: livy, emr-on-eks, emr-serverless, emr-steps.
ENGINE ?= livy

LOCAL := python3 local/local.py
# An instance of the tests' own, so that they are never in the way of `make up`.
E2E := $(LOCAL) --instance e2e
CONFORMANCE_JOBS := .local/run/e2e/work/conformance
# All packages, whichever tests are run: of fewer of them cargo compiles what they share with other features, once more.
CARGO_TEST := cargo test --locked --workspace
E2E_TEST := $(CARGO_TEST) --features tests/e2e --test e2e
# SAM finds cargo-lambda, and that finds zig, on the path.
WITH_TOOLS := PATH="$(CURDIR)/.local/tools/bin:$$PATH"
# Both functions are built from the same folder, so SAM builds it once, for both.
PROGRAM := .local/build/Submitter-Shared/bootstrap
ZIP := $(CURDIR)/.local/handler.zip
# So that a dependency too many is noticed, with some room for code.
ZIP_LIMIT := 3150000
# What the tests make the code write, and what they have for secrets: signatures, passwords, credentials of AWS and of Livy. End
# to end, ids are random and may well hold six digits of a signature's.
RECORD := $(CARGO_TARGET_DIR)/record
CANARIES := hunter2|aHVudGVyMg|bWU6aHVu|AKIA(MODEL|EXAMPLE|LOCAL)|AWS4-HMAC-SHA256
UNIT_CANARIES := 5ec2e7|$(CANARIES)
# What the functions wrote of the tests' instance, whoever called them, and the answers: to stacks, and to the tests themselves.
E2E_LOG := .local/run/e2e/log
E2E_RECORD := $(CARGO_TARGET_DIR)/record-e2e
DENY_VERSION := 0.20.2
DENY := .local/cargo-deny-$(DENY_VERSION)/bin/cargo-deny
FUZZ_VERSION := 0.13.2
FUZZ := .local/cargo-fuzz-$(FUZZ_VERSION)/bin/cargo-fuzz
# What the fuzzer finds interesting on the way: much, and different each time.
FUZZ_FOUND := .local/fuzz/event
# The events are signed for ever; it is to begin with some, too, that come seconds after they were signed.
IN_TIME := X-Amz-Date=20261121T070000Z

# Finds no secret in a folder that holds what the tests made the code write, among it some texts that must be there.
define no_secret
for expected in $(3); do \
  grep -rqe "$$expected" $(1) || { echo "the tests have no record of what they wrote: $$expected" >&2; exit 1; }; \
done; \
found=$$(grep -rhoE -m 5 '.{0,200}($(2)).{0,50}' $(1)) || [ $$? -eq 1 ] || { echo "the record cannot be read" >&2; exit 1; }; \
[ -z "$$found" ] || { echo "$$found"; echo "a secret of the tests was written" >&2; exit 1; }; \
echo "no secret in $$(cat $(1)/* | wc -l) lines that the tests made the code write"
endef

# Runs two things at a time, each with all that it starts in a group of its own: the first that fails ends the other.
define both
setsid $(1) & one=$$!; setsid $(2) & other=$$!; \
trap 'kill -- -$$one -$$other 2>/dev/null || true; wait' EXIT; \
wait -n; wait $$one; wait $$other
endef

.PHONY: help
help:
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Try it

.PHONY: demo
demo: ## from nothing to a stack with Spark jobs, an update, a failure, a clean end; ENGINE=emr-serverless for another engine
	python3 local/demo.py --engine '$(ENGINE)'

.PHONY: up
up: install build ## keep a local AWS, EMR, Livy and Spark running, with the Lambda deployed, for stacks of your own
	$(LOCAL) up
	eval "$$($(LOCAL) env)" && $(WITH_TOOLS) sam deploy --config-env local

.PHONY: down
down: ## stop them
	$(LOCAL) down

##@ Deploy it

.PHONY: deploy
deploy: install-tools ## build and deploy to the AWS account of this shell; STAGE=prod for another table of samconfig.toml
	$(WITH_TOOLS) sam build --config-env $(STAGE)
	$(WITH_TOOLS) sam deploy --config-env $(STAGE)

##@ Work on it

.PHONY: test
test: built tested ## everything: format, lints, unit tests, and end to end on real parts

# Downloads wait for the network, and the linker of the Lambda has use for one processor only.
.PHONY: built
built:
	@$(call both,$(MAKE) fmt-check clippy doc tests,$(MAKE) install lint-templates size test-local)

# The scenes end to end wait for minutes altogether. What they have no use for is enough for the tests that only compute, in virtual time.
.PHONY: tested
tested:
	@$(call both,nice -n 19 $(MAKE) unit deps,$(MAKE) e2e)

.PHONY: check
check: fmt-check clippy doc unit deps ## what a commit needs: format, lints, documentation, unit tests, dependencies

.PHONY: fmt
fmt: ## format
	cargo fmt --all

.PHONY: fmt-check
fmt-check:
	cargo fmt --all --check

.PHONY: clippy
clippy:
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings

# There are no examples: with them cargo takes the dependencies with the features that they have in tests, as it has just checked them
# for clippy.
.PHONY: doc
doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --lib --examples

# What `unit` and `e2e` run.
.PHONY: tests
tests:
	$(CARGO_TEST) --features tests/e2e --no-run

.PHONY: unit
unit: ## unit and property tests, in virtual time; nothing that they make the code write shows a secret of theirs
	rm -rf $(RECORD) && mkdir -p $(RECORD)
	SPARKJOB_TEST_RECORD=$(RECORD) $(CARGO_TEST)
	@$(call no_secret,$(RECORD),$(UNIT_CANARIES),'went on' '"Status":"FAILED"' 'connecting as me with \*\*\*')
	@grep -rhoE '[0-9]+ faults survived' $(RECORD) | awk '{ all += $$1 } END { print all " single faults survived, 0 violations" }'

# As the tests of `make unit`, so that nothing is built twice.
.PHONY: chaos
chaos: ## random pairs of faults, random orders of requests, random lives of stacks, and real kills at the requests of a Create; SPARKJOB_CHAOS_RUNS= for how many pairs, orders and lives, SPARKJOB_CHAOS_SEED= for these alone
	rm -rf $(RECORD) && mkdir -p $(RECORD)
	SPARKJOB_TEST_RECORD=$(RECORD) $(CARGO_TEST) --test faults -- --ignored --nocapture random_pairs
	SPARKJOB_TEST_RECORD=$(RECORD) $(CARGO_TEST) --test orders -- --ignored --nocapture random_
	@$(call no_secret,$(RECORD),$(UNIT_CANARIES),'message=began')
	[ -n "$(SPARKJOB_CHAOS_SEED)" ] || SPARKJOB_ALL_KILLS=1 $(MAKE) e2e ONLY=kills

.PHONY: deps
deps: $(DENY) ## prove that one TLS stack is in the graph, no table of Unicode's, only crates.io, only known licences
	@absent() { \
	  local tree; tree=$$(cargo tree --locked --prefix none "$${@:2}"); \
	  if grep -E "^$$1 v" <<< "$$tree"; then echo "is in the tree of: cargo tree $${*:2}" >&2; return 1; fi; \
	  echo "no $$1: cargo tree $${*:2}"; \
	}; \
	absent 'aws-lc-(rs|sys)' -p handler -e normal; \
	absent 'aws-lc-(rs|sys)' --workspace -e normal,build,dev --target all; \
	absent regex -p handler -e normal; \
	absent icu_properties -p handler -e normal; \
	absent icu_properties --manifest-path fuzz/Cargo.toml -e normal
	$(DENY) --locked check bans licenses sources

# The release on PyPI is years old and there is none on npm, so it is compiled, once, as its authors pinned it, and quickly: it runs
# for seconds. Not into our target folder, which CI keeps.
$(DENY):
	env -u CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG=false \
	  cargo install --locked --debug --root .local/cargo-deny-$(DENY_VERSION) cargo-deny@$(DENY_VERSION)

# No sanitizer: what they look for has no place in Rust that is not unsafe, and they need a nightly compiler. What `make test`
# runs again is only read here.
.PHONY: fuzz
fuzz: $(FUZZ) ## send the Lambda whatever comes to mind for a minute; FUZZ_SECONDS=600 for longer
	cargo tree --locked --manifest-path fuzz/Cargo.toml > /dev/null
	mkdir -p $(FUZZ_FOUND)
	for event in events/*.json; do \
	  sed 's/X-Amz-Date=20991231T120000Z/$(IN_TIME)/' "$$event" > "$(FUZZ_FOUND)/in-time-$$(basename "$$event")"; \
	done
	$(FUZZ) run --sanitizer none event $(FUZZ_FOUND) fuzz/corpus/event events -- \
	  -dict=fuzz/event.dict -max_len=16384 -timeout=60 -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1

$(FUZZ):
	env -u CARGO_TARGET_DIR cargo install --locked --root .local/cargo-fuzz-$(FUZZ_VERSION) cargo-fuzz@$(FUZZ_VERSION)

.PHONY: lint-templates
lint-templates: install-tools ## cfn-lint and SAM on template.yaml and the examples
	$(WITH_TOOLS) cfn-lint template.yaml examples/*.yaml
	$(WITH_TOOLS) sam validate --lint --region us-east-1

.PHONY: build
build: install-tools ## build the Lambda for x86_64, which the local default runs
	$(WITH_TOOLS) sam build --config-env local

.PHONY: size
size: build ## print the zip's size in bytes; above 3.15 MB is an error
	@rm -f $(ZIP)
	@[ -f $(PROGRAM) ] && python3 -m zipfile -c $(ZIP) $(PROGRAM)
	@bytes=$$(stat -c %s $(ZIP)); echo "$$bytes bytes zipped"; \
	if ((bytes > $(ZIP_LIMIT))); then echo "more than $(ZIP_LIMIT)" >&2; exit 1; fi

# While the conformance suites wait for jobs the rest is compiled, once they have let go of cargo's lock. So many scenes at a time, as
# some twenty of them do nothing but wait, for a minute and more.
.PHONY: e2e
e2e: install build ## end to end: the real binary, every engine, Spark, stacks; ONLY= for some scenes alone
	trap 'kill $$(jobs -p) 2>/dev/null || true; $(E2E) down' EXIT INT TERM; \
	$(E2E) up --aws-port 0 --livy-port 0 --emr-port 0; \
	eval "$$($(E2E) env)"; \
	[ -n "$(ONLY)" ] || SPARKJOB_TEST_JOBS="$(CURDIR)/$(CONFORMANCE_JOBS)" \
	  $(CARGO_TEST) --test conformance -- --ignored --test-threads 8 & suites=$$!; \
	sleep 2; \
	$(E2E_TEST) --no-run; \
	wait $$suites; \
	SPARKJOB_INSTANCE=e2e $(E2E_TEST) -- --test-threads 24 $(ONLY)
	@rm -rf $(E2E_RECORD) && mkdir -p $(E2E_RECORD)
	@sed '/^{"scripted": /d' $(E2E_LOG)/lambda.log > $(E2E_RECORD)/log
	@cat $(E2E_LOG)/answers.jsonl <(grep -s '"kind": "answer"' $(E2E_LOG)/custom-resources.jsonl) > $(E2E_RECORD)/answers
	@$(call no_secret,$(E2E_RECORD),$(CANARIES),$(if $(ONLY),,'"RequestId":"' '"Status":"SUCCESS"' '"kind": "answer"'))

.PHONY: test-local
test-local: install ## the local default's own tests
	.local/venv/bin/python -m unittest discover local

.PHONY: shapes
shapes: ## take what AWS publishes about the requests of its APIs from botocore's models again
	@$(LOCAL) install aws
	.local/venv/bin/python local/shapes.py

.PHONY: watch
watch: install-tools ## run the handler for `make invoke`, against the engines of `make up`
	$(WITH_TOOLS) cargo lambda watch --invoke-address 127.0.0.1 --ignore-changes --package handler

.PHONY: invoke
invoke: install-tools ## send it one event, EVENT=events/create.json, and print its answer; ID= names another job than the event's
	$(WITH_TOOLS) events/invoke.py $(EVENT) '$(ID)'

.PHONY: install
install: ## download what the local default and the build need, into .local/
	$(LOCAL) install

.PHONY: install-tools
install-tools:
	@$(LOCAL) install tools

.PHONY: clean
clean: ## stop what runs, and remove all that was built and downloaded
	for instance in .local/run/*/; do [ ! -d "$$instance" ] || $(LOCAL) --instance "$$(basename "$$instance")" down; done
	rm -rf .local .aws-sam target
