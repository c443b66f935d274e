# make                 build bin/bootstrap (the runtime) and bin/bootstrapctl (the tool, which carries the runtime)
# make demo            run the shell example on the local platform
# make test            run the tests, in some minutes
# make test-long       run the tests in every way, with all combinations and repetitions
# make check           run what must pass before a commit: style, imports, and the unit tests with the race detector
# make fuzz            run each fuzz target for a minute; FUZZTIME sets the time
# make soak            send SOAK_EVENTS events and check that memory, descriptors and goroutines stay constant
# make sandboxes       run the tests that matter in sandboxes, in each simulated sandbox
# make real-sandboxes  run scenarios in gVisor, under qemu and in a simulated Lambda sandbox; needs root, runsc, qemu-user-static and bubblewrap
# make interpreters    run the tests of functions with each Python and Node in INTERPRETERS, folders such as those of pyenv
# make libraries       run functions that use others' libraries and the vendors' SDKs; needs node and npm, and python3-boto3 for one of them
# make sdks            let the vendors' SDKs use the local platform; needs node and npm
# make emulator-parity compare our platform with AWS's own emulator, which it fetches and builds
# make real-examples   run the examples that need npm, a network and PHP
# make bench           compare the runtime with C and bash, and the local platform with AWS's emulator; write docs/benchmarks.md; needs cc
# make faults          write docs/faults.md: how comparable programs fail, and what bootstrap does
# make dist            write the release files to dist
# make repro           build the release files in two folders and compare them
# make clean           delete bin and dist
# make help            print this list

VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BUILD      := CGO_ENABLED=0 GOOS=linux go build -trimpath -buildvcs=false -ldflags "-s -w -X bootstrap/cmd/internal/version.linked=$(VERSION)"
CARRIED    := cmd/bootstrapctl/runtime/bootstrap
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
# More tests than processors run at once, because most of them wait.
TESTS      := -count 1 -parallel 6 -timeout 20m
SHORT      := -short
FUZZTIME   := 60s
SOAK_EVENTS := 100000

.PHONY: all demo test test-long sandboxes real-sandboxes real-examples interpreters libraries sdks check style imports bench faults emulator-parity soak fuzz dist repro clean help

all:
	GOARCH=amd64 $(BUILD) -o $(CARRIED)-amd64 ./cmd/bootstrap
	GOARCH=arm64 $(BUILD) -o $(CARRIED)-arm64 ./cmd/bootstrap
	mkdir -p bin
	cp $(CARRIED)-$$(go env GOARCH) bin/bootstrap
	$(BUILD) -o bin/bootstrapctl ./cmd/bootstrapctl

demo: all
	bin/bootstrapctl invoke -dir examples/shell -event-file examples/shell/event.json

# python3 may be a script that looks for Python, as pyenv's is; it takes longer than
# most tests.
test test-long check: export PATH := $(shell python3 -c 'import os, sys; print(os.path.dirname(os.path.realpath(sys.executable)))'):$(PATH)

# The integration tests have the machine to themselves: some measure time.
test: all
	go test $(SHORT) $(TESTS) $$(go list ./... | grep -v /integration)
	go test $(SHORT) $(TESTS) ./integration/...
	cd integration/deploy && go test $(SHORT) $(TESTS) ./...

test-long: SHORT :=
test-long: test

SANDBOXES := lambda gvisor qemu-user k8s-restricted strict killer no-proc
# The tests of leftovers, delivery, timeouts, isolation, sidecars, workers and
# the stop.
IN_SANDBOX := T02|R04|R11|R16|R10StopIdle|NextRuntime|Events|P12|P16No|T01|SidecarChildren|T14Sidecars|R07Replaced|HostsWith|StopDuringEvent|SecondSignal|Leftovers|Kept|L08While|TempFolderOf|TempFolderKilled|ConcurrencyBounds

sandboxes: all
	SANDBOXES=all go test -count 1 -p 1 -timeout 10m -run '^Test(PoorSandboxes|Sweep)$$' ./supervisor/process ./integration
	@for sandbox in $(SANDBOXES); do echo "SANDBOX=$$sandbox" && \
		SANDBOX=$$sandbox go test -count 1 -parallel 4 -timeout 10m -run '^Test($(IN_SANDBOX))' ./integration || exit 1; done

# The race detector does not see the real binaries that integration tests run.
check: style imports all
	go test -race $(TESTS) $$(go list ./... | grep -v /integration)

style:
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	go mod tidy -diff
	go run $(STATICCHECK) ./...
	./.ci/words

# The script checks that imports go in one direction, and that the runtime
# contains no HTTP server and no TLS.
imports:
	@./.ci/imports

real-sandboxes:
	REAL_SANDBOXES=all go test -count 1 -v -timeout 20m -run '^TestSandboxes$$' ./integration/sandbox

INTERPRETERS := $(wildcard $(HOME)/.pyenv/versions/3.*/bin $(HOME)/.nvm/versions/node/*/bin)
interpreters:
	@for dir in $(INTERPRETERS); do echo "$$dir" && \
		PATH="$$dir:$$PATH" go test -count 1 -run '^Test(Python|Node|Interpreter|Initializer|EventVariables|JSONLog)' ./adapters || exit 1; done

libraries:
	cd integration/libraries && npm install --no-package-lock --no-audit --no-fund && go test -count 1 .

sdks: all
	for vendor in aws huawei tencent; do \
		(cd integration/sdk/$$vendor && npm install --no-package-lock --no-audit --no-fund && go vet ./... && go test -count 1 -timeout 10m ./...) || exit 1; done

# What needs npm, a network and PHP.
real-examples: all
	cd integration/examples && go test -count 1 -v -timeout 20m ./...

bench: all
	go run ./integration/bench -bootstrap bin/bootstrap -bootstrapctl bin/bootstrapctl -out docs/benchmarks.md

faults: all
	mkdir -p docs
	FAULTS_OUT=../docs/faults.md go test -count 1 -parallel 2 -run '^TestFaults' ./integration

emulator-parity:
	cd integration/rie && go vet ./... && go test -count 1 -timeout 10m ./...

soak: all
	SOAK_EVENTS=$(SOAK_EVENTS) go test -count 1 -timeout 0 -v -run '^TestT11Soak$$' ./integration

fuzz:
	@for target in $$(grep -rl --include='*_test.go' '^func Fuzz' . | sed 's|/[^/]*$$||' | sort -u); do \
		for name in $$(grep -rho '^func Fuzz[A-Za-z]*' $$target | sed 's/^func //'); do \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$target || exit 1; done; done

# The runtime needs Linux. The tool runs where people work.
TOOLS      := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
CYCLONEDX  := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0

dist: all
	rm -rf dist && mkdir -p dist
	for arch in amd64 arm64; do \
		cp $(CARRIED)-$$arch dist/bootstrap-linux-$$arch && \
		bin/bootstrapctl pack -layer -arch $$arch -o dist/bootstrap-layer-$$arch.zip || exit 1; done
	for tool in $(TOOLS); do \
		name=dist/bootstrapctl-$$(echo $$tool | tr / -); case $$tool in windows/*) name=$$name.exe;; esac; \
		GOARCH=$${tool#*/} $(subst GOOS=linux,GOOS=$${tool%/*},$(BUILD)) -o $$name ./cmd/bootstrapctl || exit 1; done
	for program in bootstrap bootstrapctl; do \
		go run $(CYCLONEDX) bin -json -std -noserial -notimestamp -version $(VERSION) -output dist/$$program.cdx.json dist/$$program-linux-amd64 || exit 1; done
	./.ci/notices >dist/THIRD-PARTY-NOTICES.txt
	cd dist && sha256sum * > SHA256SUMS

repro:
	@./.ci/repro

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

clean:
	rm -rf bin dist $(CARRIED)-*
