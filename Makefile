# Needs Go. The targets install whatever else is missing with the system's package manager, with a message.

ARGS       =
SEED       =
FUZZTIME   = 10s
TOOL       = go tool -modfile=.ci/tools/go.mod

# The build information of the binary. It is empty if git is missing or refuses; then the binary uses what Go recorded.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null)
DATE    := $(shell git log -1 --format=%cI 2>/dev/null)
STAMP    = $(foreach v,version=$(VERSION) commit=$(COMMIT) date=$(DATE),-X crmsync/internal/buildinfo.$(v))

# Do not fail for a checkout of another user, as in containers.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

.PHONY: help pictures demo test lint vuln chaos pooler bench fuzz build man package afternoon clean postgres optional

help: ## print this list (the default)
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

demo: build postgres ## everything on this machine, against simulators (ARGS=--once: exit with the verdict)
	bin/crmsync demo $(ARGS)

test: postgres optional ## all tests, on real Postgres (RACE=1 or CI=true: with the race detector)
	@set -e; race=; \
	if [ "$(CI)" = true ]; then sh .ci/install cc; race=-race; \
	elif [ "$(RACE)" = 1 ]; then \
		if command -v "$${CC:-gcc}" >/dev/null; then race=-race; \
		else echo "no C compiler: testing without the race detector"; fi; \
	fi; \
	if [ -n "$$race" ]; then export CGO_ENABLED=1; fi; \
	set -x; go test $$race -timeout 10m ./...

lint: ## formatting, golangci-lint (vet, staticcheck and others), workflows, go.mod
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	$(TOOL) golangci-lint run
	$(TOOL) actionlint .github/workflows/*.yml deploy/github/*.yml
	go mod tidy -diff && cd .ci/tools && go mod tidy -diff

vuln: ## known vulnerabilities in what the program calls
	@sh .ci/vuln

chaos: postgres ## kills, restarts and faults, in full length (SEED=n: a run again)
	CHAOS=full SEED=$(SEED) go test -count=1 -timeout 30m -run '^TestChaos' -v ./internal/e2e/chaos ./internal/e2e/migrate
	go test -count=1 -timeout 30m -run '^TestModel$$' ./worker/engine/settle -rapid.checks=200000 -rapid.seed=$(or $(SEED),0)

pooler: postgres ## the end-to-end tests behind PgBouncer, in both of its modes
	@sh .ci/install pgbouncer
	@set -e; for mode in session transaction; do \
		echo "behind PgBouncer in $$mode mode"; \
		E2E_POOLER=$$mode go test -timeout 20m $$(go list ./internal/e2e/... | grep -Ev '/(e2e|chaos|database|operate|pooler)$$'); \
	done

bench: postgres ## throughput and latency, measured on this machine
	CGO_ENABLED=0 go run -trimpath ./cmd/bench $(ARGS)

fuzz: postgres ## every fuzz target for FUZZTIME (10s)
	@set -e; for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

build: ## bin/crmsync, one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags='$(STAMP)' -o bin/crmsync ./cmd/crmsync

man: build ## bin/crmsync.1, the man page
	bin/crmsync man > bin/crmsync.1

package: ## what a release contains, in dist, without signatures (HERE=1: only for this platform)
	@sh .ci/package

afternoon: ## install the package on a bare Debian in a container, and sync a first record
	@.ci/afternoon

pictures: postgres ## of the console, in docs/pictures, for docs/console.md
	@sh .ci/install chromium axe
	mkdir -p docs/pictures
	PICTURES=$(CURDIR)/docs/pictures go test -count=1 -run '^TestPagesInChromium$$' ./internal/e2e/console

clean: ## remove what build and package created
	rm -rf bin dist share

postgres:
	@sh .ci/install postgres

# Without root, installing them may fail. Then the tests that need them are skipped, except in CI.
optional:
	@for tool in pgbouncer promtool chromium axe; do \
		sh .ci/install $$tool || { [ "$(CI)" != true ] && echo "testing without $$tool: the tests that need it are left out"; } || exit 1; \
	done
