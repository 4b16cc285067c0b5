# The commands of this project. Each is the only thing to type on a Debian 12 machine with git, make, gcc and cargo:
# what is missing is installed where that is allowed, or named in one line.

CARGO ?= cargo
TOOLS := $(or $(CARGO_TARGET_DIR),target)/tools
RELEASE := $(or $(CARGO_TARGET_DIR),target)/release
# All programs in one build: built apart, their dependencies would be built twice with different features.
PROGRAMS := $(CARGO) build --release --locked -p heliograph -p heliograph-bench -p demo-connector --bins
# By a command of its own: what is planted for it must be in no server.
SIMULATION := $(CARGO) run --release --locked -p heliograph-actors --example mirror_sim --features simulation

.PHONY: help run test browser-test check bench prove pictures web needs types openapi

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 10

run: needs web   ## the whole demo on this machine, no account anywhere; Ctrl-C stops it
	$(PROGRAMS)
	$(RELEASE)/demo

test: needs web  ## every test, tiny benches and proofs included
	$(CARGO) test --workspace --locked --features failpoints
	@scripts/test-web
	@scripts/test-browser
	@scripts/fuzz-api --quick --profile debug || [ $$? = 75 ]

browser-test: needs ## the tests in a browser alone
	@scripts/test-browser

check: needs web ## form, lints, dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked --features failpoints -- -D warnings
	@scripts/check-dependencies $(TOOLS)

bench: needs web ## figures: all scenarios, or SCENARIO=e1; writes target/bench/
	$(PROGRAMS)
	$(if $(SCENARIO),$(RELEASE)/bench --scenario $(SCENARIO),$(RELEASE)/bench && $(CARGO) bench --locked --bench cores)

prove: needs web ## proofs that take minutes: all, or NAME=crash; writes target/prove/
	$(if $(filter mirror-sim,$(NAME)),,$(PROGRAMS))
	$(if $(filter mirror-sim api-fuzz,$(NAME)),,$(RELEASE)/prove $(if $(NAME),--name $(NAME)))
	$(if $(filter-out mirror-sim,$(NAME)),,$(SIMULATION))
	$(if $(filter-out api-fuzz,$(NAME)),,scripts/fuzz-api)

web:             ## builds the admin web app when something in it changed
	@scripts/build-web

pictures: needs  ## takes the pictures of docs/ADMIN.md anew
	@scripts/take-pictures

types:           ## writes web/protocol.ts anew from the Rust types
	HELIOGRAPH_WRITE_TYPES=1 $(CARGO) test --locked -p heliograph-schema protocol_types

openapi:         ## writes docs/openapi.json anew from the routes of the admin listener, and the types of the web app
	HELIOGRAPH_WRITE_OPENAPI=1 $(CARGO) test --locked -p heliograph --lib openapi
	@scripts/build-web --packages
	@cd web && ../scripts/node npm run --silent api

needs:
	@scripts/need-postgres
