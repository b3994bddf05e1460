# syntax=docker/dockerfile:1.7
# Two images from one file: `services` (the default) has the election's programs, `fluvio` has Fluvio's
# command line, which Fluvio's own image lacks. docker-compose.yml uses both.

ARG RUST_IMAGE=rust:1.95.0-bookworm
# The same Debian release as the builder's, so that glibc is not older than what was linked against.
ARG RUNTIME_IMAGE=debian:bookworm-20260824-slim

# ── Builds the programs ─────────────────────────────────────────────────────────────────────────────
FROM ${RUST_IMAGE} AS builder
# By name: rust-toolchain.toml asks for components that a build does not need, and rustup would fetch
# them.
ENV RUSTUP_TOOLCHAIN=1.95.0
RUN rustup target add wasm32-unknown-unknown
WORKDIR /build
COPY . .
# Both caches outlive the build: a change compiles what it touches. What is built in a cache is not part
# of a layer, hence the copy.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/build/target,sharing=locked \
    cargo build --release --locked -p producer -p consumer -p dashboard -p bridge \
        --features bridge/tls,consumer/tls,dashboard/tls,producer/tls \
    && install -D -t /out/bin target/release/producer target/release/consumer \
        target/release/dashboard target/release/bridge

# ── Fetches Fluvio's command line ───────────────────────────────────────────────────────────────────
FROM ${RUST_IMAGE} AS fluvio-download
ARG FLUVIO_VERSION=0.18.1
# The releases have no checksums beside them. Whoever has one gives it here, and it is held to.
ARG FLUVIO_SHA256=""
ARG TARGETARCH
RUN <<SCRIPT
set -eu
case "$TARGETARCH" in
    amd64) target=x86_64-unknown-linux-musl ;;
    arm64) target=aarch64-unknown-linux-musl ;;
    *) echo "Fluvio has no release for $TARGETARCH" >&2; exit 1 ;;
esac
curl --fail --silent --show-error --location --proto '=https' --retry 3 --output /fluvio.zip \
    "https://github.com/fluvio-community/fluvio/releases/download/v$FLUVIO_VERSION/fluvio-$target.zip"
if [ -n "$FLUVIO_SHA256" ]; then
    echo "$FLUVIO_SHA256  /fluvio.zip" | sha256sum --check
fi
unzip -q /fluvio.zip fluvio -d /out
chmod 755 /out/fluvio
SCRIPT

# ── Fluvio's command line, with the composed cluster as its profile ─────────────────────────────────
FROM ${RUNTIME_IMAGE} AS fluvio
COPY --from=fluvio-download /out/fluvio /usr/local/bin/fluvio
COPY --chmod=755 <<'SCRIPT' /usr/local/bin/register-spu
#!/bin/sh
# register-spu ID PUBLIC LOCAL PRIVATE: makes an SPU known to the controller, unless it is.
# PUBLIC is for clients in the network, LOCAL for those that ask for local addresses.
set -eu
if [ "$#" -ne 4 ]; then
    echo "usage: register-spu ID PUBLIC LOCAL PRIVATE, each address as HOST:PORT" >&2
    exit 2
fi
known=$(fluvio cluster spu list --output json)
if printf '%s' "$known" | grep -Eq "\"spuId\": *$1(,|\$)"; then
    echo "SPU $1 is registered already"
    exit 0
fi
fluvio cluster spu register --id "$1" --public-server "$2" --public-server-local "$3" \
    --private-server "$4"
echo "SPU $1 is registered"
SCRIPT
ENV FLV_PROFILE_PATH=/etc/fluvio/config
RUN mkdir /etc/fluvio && fluvio profile add compose sc:9003 docker && chmod 644 /etc/fluvio/config
USER 10001:10001
WORKDIR /tmp
CMD ["fluvio", "topic", "list"]

# ── The programs ────────────────────────────────────────────────────────────────────────────────────
FROM ${RUNTIME_IMAGE} AS services
COPY --from=builder /out/bin/ /usr/local/bin/
COPY fluvio.toml /etc/election/fluvio.toml
# A health check needs a client, and the image has bash: one fewer program to keep up to date than with
# curl. It takes any 200 as well, and anything else, or nothing for five seconds, as not.
COPY --chmod=755 <<'SCRIPT' /usr/local/bin/answers
#!/bin/bash
# answers HOST PORT PATH: whether GET is answered with 200.
set -eu
exec 3<>"/dev/tcp/$1/$2"
printf 'GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n' "$3" "$1" "$2" >&3
read -r -t 5 _ status _ <&3
[[ $status == 200 ]]
SCRIPT
ENV ELECTION_MANIFEST=/etc/election/fluvio.toml
USER 10001:10001
WORKDIR /tmp
