# SPDX-License-Identifier: Apache-2.0

CACHE   := $(or $(RUNCLAD_CACHE),$(HOME)/.cache/runclad)
VERSION := $(or $(shell git describe --tags --always --dirty 2>/dev/null),unknown)
PREFIX  ?= /usr/local
GO      ?= go

# The shim is static and needs no C compiler; -trimpath and no VCS stamp make
# the same source give the same bytes in any folder.
# On amd64 what is passed through is handed off before Go starts (internal/prelude).
ENTRY_amd64 = -E github.com/runclad/runclad/internal/prelude.entry
ENTRY = $(ENTRY_$(shell $(GO) env GOARCH))

LDFLAGS = -s -w -X github.com/runclad/runclad/runtime.Version=$(VERSION)
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags

# The runtimes that the tests run on, besides those a test names itself.
RUNTIMES = /usr/sbin/runc:$(CACHE)/runc-v1.3.6/runc:$(CACHE)/runc-v1.5.2/runc:/usr/bin/crun

GOFUMPT     = $(CACHE)/gofumpt-v0.12.0/gofumpt
STATICCHECK = $(CACHE)/staticcheck-v0.8.2/staticcheck
GOLANGCI    = $(CACHE)/golangci-lint-v2.15.0/golangci-lint
GOVULNCHECK = $(CACHE)/govulncheck-v1.8.0/govulncheck

NFPM = $(CACHE)/nfpm-v2.45.2/nfpm

# How long each fuzz target runs in `make test`.
FUZZTIME ?= 5s
# What `make bench` passes on, for example BENCHFLAGS='-n 20 -creates 100'.
BENCHFLAGS ?=

.PHONY: build demo test unit live fuzz bench lint vulncheck generate install package clean

build:
	@mkdir -p bin
	$(BUILD) '$(LDFLAGS) $(ENTRY)' -o bin/runclad ./cmd/runclad
	$(BUILD) '$(LDFLAGS)' -o bin/runcladctl ./cmd/runcladctl

demo:
	@integration/deps.sh demo >&2
	@$(MAKE) --no-print-directory -s build
	@mkdir -p bin && CGO_ENABLED=0 $(GO) build -o bin/demo ./integration/demo && exec bin/demo

test:
	@integration/deps.sh test
	@$(MAKE) --no-print-directory build
	$(GO) vet ./...
	@$(MAKE) --no-print-directory unit live fuzz

# integration/ comes after, by itself: its packages start engines, and two at
# once on two cores make each other time out.
unit:
	RUNCLAD_TEST_RUNTIMES=$(RUNTIMES) $(GO) test -timeout 10m $$($(GO) list ./... | grep -v /integration)

# -count=1: the result depends on bin/runclad and on the host, which the test
# cache does not know.
live:
	RUNCLAD_TEST_RUNTIMES=$(RUNTIMES) $(GO) test -count=1 -p 1 -timeout 45m ./integration/...

fuzz:
	integration/fuzz.sh $(FUZZTIME)

bench:
	@integration/deps.sh test >&2
	@$(MAKE) --no-print-directory -s build
	@CGO_ENABLED=0 $(GO) build -o bin/bench ./integration/bench && exec bin/bench $(BENCHFLAGS)

lint:
	@integration/deps.sh lint
	@out=$$($(GOFUMPT) -l .); test -z "$$out" || { echo "gofumpt would change:"; echo "$$out"; exit 1; }
	$(STATICCHECK) ./...
	$(GOLANGCI) run --timeout 10m ./...
	@$(MAKE) --no-print-directory vulncheck

# The database is on the network. Where it cannot be reached, nothing was
# checked: that is said, and not counted as a pass.
vulncheck:
	integration/vulncheck.sh $(GOVULNCHECK)

generate:
	$(GO) generate ./...

# Programs and manual; `./install.sh --help` has more.
install: build
	$(if $(DESTDIR),@mkdir -p $(DESTDIR))
	./install.sh --prefix $(PREFIX) $(if $(DESTDIR),--root $(DESTDIR))

package: build
	@integration/deps.sh package
	deploy/package/build.sh $(NFPM) $(VERSION)

clean:
	rm -rf bin
