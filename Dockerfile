# The image: one binary, the shared objects that it needs, certificate authorities. No shell, no package, not root.
#
#   buildah bud --format docker --tag writeback .                                  # or docker build
#   buildah bud --format docker --tag writeback-lab --build-arg FEATURES=sim .     # with the simulators, for a look without a tenant
#
# BUILDER is any glibc system with Rust, a C compiler and certificate authorities; what it is decides nothing but the glibc inside.
ARG BUILDER=docker.io/library/rust:1.95-bookworm

FROM ${BUILDER} AS builder
ARG FEATURES=
# The binary carries the list of its packages; the tool for it is built where it is missing.
RUN command -v cargo-auditable || cargo install cargo-auditable --locked --version 0.7.7
WORKDIR /build
COPY . .
RUN deploy/container/compile --features "$FEATURES"
RUN deploy/container/assemble "${CARGO_TARGET_DIR:-target}/dist/writeback" /image

FROM scratch
LABEL org.opencontainers.image.title="writeback" \
      org.opencontainers.image.description="Writes cloud groups into Active Directory" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=builder /image/ /
ENV PATH=/usr/bin
# It writes to state.path and to the folder of the admin socket only: mount both, and the root may be read-only.
USER 65532:65532
# The binary asks the daemon at http.listen whether its loop moves: a last status in the state is no sign of life. Kubernetes looks at
# its own probes and not at this.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["/usr/bin/writeback", "status", "--live"]
ENTRYPOINT ["/usr/bin/writeback"]
CMD ["run"]
