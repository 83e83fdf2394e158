# The commands of a developer. They need make, and Node 20 or newer with npm; `npm ci` installs the pinned Node.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# To run any target with another Node than the pinned one: make test NODE=/path/to/node
ifeq ($(origin NODE),command line)
export PATH := $(abspath $(dir $(NODE))):$(PATH)
export WSPROXY_NODE := $(abspath $(NODE))
endif

FOLDERS := api generate runtime operator dataplane cli examples test
# npm writes this file at the end of an installation. npm shows only errors: its warning that this Node is not the pinned one
# is expected.
INSTALLED := node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help install run test test-other-node test-apiserver e2e check fmt generate golden conformance stores bench bundle image clean

help: ## Show these lines
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

install: $(INSTALLED) ## Install the packages of package-lock.json, unless they are installed

$(INSTALLED): package-lock.json
	npm ci --loglevel=error
	@touch $@

run: $(INSTALLED) ## Start the gateway and a sample backend from examples/quickstart; Ctrl-C ends them
	@exec bin/wsproxy standalone --sample-backend -f examples/quickstart

test: $(INSTALLED) ## Run the tests; the last line says how many passed, failed and were skipped
	vitest run

test-other-node: $(INSTALLED) ## Run the tests on the other Node line (fetches it to ~/.cache/wsproxy first)
	test/other-node.sh

test-apiserver: $(INSTALLED) ## Run the tests against a real API server (builds it in ~/.cache/wsproxy first: minutes, once)
	test/apiserver/tools/build.sh
	vitest run --config vitest.apiserver.config.ts

e2e: $(INSTALLED) ## Run the scenarios in a real cluster, with kind or without (SCENARIO=install: only those with that name)
	@command -v flock >/dev/null || { echo "make e2e needs Linux, and flock (Debian: util-linux)" >&2; exit 1; }
	@mkdir -p $${TMPDIR:-/tmp}/wsproxy-e2e.locked # a folder: in /tmp Debian does not let root open a file of another user
	flock $${TMPDIR:-/tmp}/wsproxy-e2e.locked node test/cluster/main.ts

check: $(INSTALLED) ## Check types, walls between folders, lint, format, dead code and generated files
	tsc -b
	oxlint $(FOLDERS)
	oxfmt --check
	knip
	vitest run generate

fmt: $(INSTALLED) ## Format the code
	oxfmt

generate: $(INSTALLED) ## Write the generated files: CRD, reference pages, parts of the chart
	node generate/main.ts

golden: $(INSTALLED) ## Write the golden files; read the diff before you commit it
	UPDATE_GOLDEN=1 vitest run test/golden test/chart/golden

conformance: $(INSTALLED) ## Run the Autobahn suite through the gateway (installs it in ~/.cache/wsproxy first)
	test/conformance/run.sh

stores: ## Put Valkey 9 and Redis 6.2.5 into ~/.cache/wsproxy, for the tests of the store
	test/store/setup.sh

bench: $(INSTALLED) ## Measure the cost of a message, beside nginx and HAProxy if they are installed, and of a store; five minutes
	node test/bench/relay.ts
	node test/bench/store.ts

bundle: $(INSTALLED) ## Build dist/: the program as in the image, in one folder without node_modules
	npm run --silent build

image: ## Build the container image with buildah or docker (RELEASE=1 NODE_IMAGE=…@sha256:…: on a base image by digest)
	test/image/build.sh

clean: ## Remove everything that was built or installed here, node_modules included
	rm -rf node_modules dist coverage .tsbuild
