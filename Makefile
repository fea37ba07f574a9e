# jiexu (接续). `make help` lists the targets; `make demo` and `make test` are all that a newcomer needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help demo test check format bench image up down lock clean

help: ## 列出各目标 list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

demo: $(VENV)/.installed ## 安装并演示：三个统筹区办理并证明 install, and see three regions at work (ARGS="--cases 1000")
	@$(BIN)/jiexu demo $(ARGS)

test: $(VENV)/.tested ## 安装并运行全部测试，含真实 Kafka install, and run every test, a real Kafka broker's too
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

check: $(VENV)/.tested ## 格式、风格、类型、房间边界、契约 format, lint, types, import rule, contract
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/jiexu contract check

format: $(VENV)/.tested ## 整理格式 format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.tested ## 基准，约二十分钟（docs/benchmarks.md）benchmarks, some twenty minutes
	@$(BIN)/python -m benchmarks.codec
	@$(BIN)/python -m benchmarks.journal_append --postgres
	@$(BIN)/python -m benchmarks.floor
	@$(BIN)/python -m benchmarks.scrape
	@$(BIN)/python -m benchmarks.end_to_end
	@$(BIN)/python -m benchmarks.end_to_end --store postgresql
	@$(BIN)/python -m benchmarks.large_journal

image: ## 构建容器镜像 build the container image, jiexu:latest
	@docker build --tag jiexu:latest --build-arg REVISION="$$(git rev-parse --short HEAD)" .

up: ## 用容器运行一个统筹区 one region in containers (ARGS="--profile pair": a partner beside it)
	@docker compose $(ARGS) up --detach --build --wait

down: ## 停止容器，数据保留 stop the containers; their data stays
	@docker compose --profile pair --profile tools down

lock: $(VENV)/.tested ## 重新锁定镜像所装的版本 pin anew what the image installs (ARGS=--upgrade)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv
	@PATH="$$PWD/$(BIN):$$PATH" tools/lock $(ARGS)

clean: ## 删除环境与缓存 remove the environment and caches
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/.installed: pyproject.toml tools/venv tools/bring_pip.py
	@tools/venv $(VENV)
	@echo "安装 jiexu / installing jiexu …" >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	@echo "安装测试所需 / installing what the tests need …" >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --group dev
	@touch $@
