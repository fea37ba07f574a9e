# jiexu 接续 as an image: `make image`, or `docker build -t jiexu .`. It asks nothing that only BuildKit knows, so any
# engine builds it. What is installed, to the byte, stands in deploy/requirements*.txt (`make lock` renews them).

FROM python:3.13-slim AS build
# Another package index, a mirror near by for instance: what it may give is pinned by hash.
ARG PIP_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# Both environments are filled from outside: no pip is in the one that is kept, nothing else in the one that builds.
RUN python -m venv --without-pip /opt/jiexu && python -m venv --without-pip /opt/build
COPY deploy/requirements.txt deploy/requirements-build.txt deploy/
RUN install="install --quiet --require-hashes --only-binary :all: --requirement" \
 && pip --python /opt/jiexu/bin/python $install deploy/requirements.txt \
 && pip --python /opt/build/bin/python $install deploy/requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY services services
COPY jiexu jiexu
RUN pip --python /opt/build/bin/python wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
 && pip --python /opt/jiexu/bin/python install --quiet --no-deps --no-index /wheels/*.whl

FROM python:3.13-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="jiexu 接续" \
      org.opencontainers.image.description="Message system for moving basic medical insurance between pooling regions (基本医疗保险关系转移接续)" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A fixed number, the same on every machine: volumes and secrets are given to it by number. A volume that is mounted on
# one of these folders takes its owner and mode; what holds keys is its owner's alone.
RUN groupadd --gid 10001 jiexu \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/jiexu --no-create-home --shell /usr/sbin/nologin jiexu \
 && cd /var/lib && install -d -o jiexu -g jiexu -m 0755 jiexu jiexu/bank jiexu/directory jiexu/kafka-tls \
 && install -d -o jiexu -g jiexu -m 0700 jiexu/admin jiexu/ca jiexu/directory/root jiexu/partner jiexu/region jiexu/secrets
COPY --from=build /opt/jiexu /opt/jiexu
ENV PATH=/opt/jiexu/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_STATE_HOME=/var/lib/jiexu/region/state \
    JIEXU_CALENDAR_DIR=/var/lib/jiexu/region/calendar \
    JIEXU_CONFIG=/var/lib/jiexu/region/region.toml
USER 10001:10001
WORKDIR /var/lib/jiexu/region
ENTRYPOINT ["jiexu"]
CMD ["--help"]
