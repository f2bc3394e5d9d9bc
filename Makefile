# make help lists the targets. What they need on a fresh Debian (packages and Go
# tools) they install themselves: see scripts/deps.sh.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CACHE := $(or $(REGAIN_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/regain)
GOTESTSUM := $(CACHE)/bin/gotestsum
GOLANGCI := $(CACHE)/bin/golangci-lint
GOVULNCHECK := $(CACHE)/bin/govulncheck

FUZZTIME ?= 20s
ROOTS ?= bookworm/small trixie/small bookworm/full
# Without root the tests that need it are skipped. With root none may be.
MUST_RUN := $(shell test "$$(id -u)" = 0 && echo 1)

.PHONY: help build demo test race bench fuzz lint vuln roots clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 } sub(/^## /, "") { printf "%14s%s\n", "", $$0 }' Makefile

build: ## static binaries for linux amd64 and arm64 in bin/
	@scripts/deps.sh build
	@scripts/build.sh

demo: ## the whole story: a lab, a locked instance, regain reset, and a login (root)
## with WINDOWS=1: the same with a Windows, and its new password
	@scripts/deps.sh demo
	@echo "demo: building the programs, which takes minutes the first time" >&2
	@scripts/build.sh host
	@scripts/demo.sh

test: build ## everything that CI checks (root, or fewer tests)
	@scripts/deps.sh test
	@$(MAKE) lint vuln roots race

race: # the tests proper, with the race detector
	@scripts/race.sh $(GOTESTSUM)

roots: # the Debian roots, outside the tests' time limits
	@if [ -n "$(MUST_RUN)" ]; then go run ./internal/testdisk/cmd/mkroots $(ROOTS); fi

lint: ## gofmt, go mod tidy, go vet, golangci-lint
	@scripts/deps.sh lint
	@unformatted=$$(gofmt -l .); \
		[ -z "$$unformatted" ] || { echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; }
	@go mod tidy -diff
	@go vet ./...
	@for os in darwin windows; do GOOS=$$os go build ./controller ./controller/runs ./offline/sshkey; done # regain runs there, too
	@$(GOLANGCI) config verify
	@$(GOLANGCI) run --allow-serial-runners ./...

vuln: ## known vulnerabilities in what we import
	@scripts/deps.sh lint
	@scripts/vuln.sh $(GOVULNCHECK)

bench: ## the promises about speed and size, as ratios (root)
	@scripts/deps.sh test
	@go test -run '^$$' -bench . -benchtime 1x ./bench/...

fuzz: ## every fuzz target for FUZZTIME each
	@scripts/fuzz.sh $(FUZZTIME)

clean: ## remove bin/; the cache below ~/.cache/regain stays
	@rm -rf bin
