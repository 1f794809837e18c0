# make run    builds hotline, starts it on loopback and places a call through it
# make test   installs what the tests need and runs them all
# make soak   runs the tests of millions of simulated calls (TestSoak...), which make test skips
# make bench  measures CPU per call, memory and decisions, against a baseline

GO      ?= go
DATA    ?= data
# Debian packages of the real phones and tools that tests use.
PHONES   = sipp:sip-tester baresip:baresip-core linphonec:linphone-cli sox:sox espeak-ng:espeak-ng flite:flite

.PHONY: run build test phones format vet bench soak pictures clean

build:
	$(GO) build -o bin/hotline ./cmd/hotline

run: build
	./bin/hotline demo --stay --data $(DATA)

test: phones format vet
	$(GO) test -race -timeout 40m ./...

# phones installs the softphones that end-to-end tests call with, where they are absent.
phones:
	@missing=; for p in $(PHONES); do command -v $${p%%:*} >/dev/null 2>&1 || missing="$$missing $${p##*:}"; done; \
	if [ -n "$$missing" ]; then \
	  if command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
	    echo "installing$$missing"; \
	    apt-get update -q >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing >/dev/null; \
	  else \
	    echo "absent:$$missing; tests with these phones are skipped. Install them: sudo apt-get install$$missing"; \
	  fi; \
	fi

format:
	@bad=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go')); \
	if [ -n "$$bad" ]; then echo "gofmt these files:"; echo "$$bad"; exit 1; fi

vet:
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

bench: build
	$(GO) test -run '^$$' -bench . -benchtime 200ms ./acd ./media ./media/sdp ./sip ./store/bolt
	./bin/hotline bench

# The pictures of docs/routing.md.
pictures: build
	./bin/hotline simulate --pictures docs/routing

soak:
	HOTLINE_SOAK=1 $(GO) test -run Soak -timeout 3h -v ./...

clean:
	rm -rf bin
