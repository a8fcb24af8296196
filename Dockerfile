# The image: one binary without the simulators, no shell, not root. Any base with glibc, libgcc and certificate authorities will do.
ARG BUILDER=rust:1.95-bookworm
ARG RUNTIME=debian:bookworm-slim

FROM ${BUILDER} AS builder
WORKDIR /build
COPY . .
RUN cargo build --release --locked --no-default-features --bin writeback

FROM ${RUNTIME}
LABEL org.opencontainers.image.title="writeback" \
      org.opencontainers.image.description="Writes cloud groups into Active Directory" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# The system's certificate authorities, for tenants that are not behind a private one.
COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=builder /build/target/release/writeback /usr/bin/writeback
# A number, so that Kubernetes can see that it is not root. It writes to state.path and to the folder of the admin socket only:
# mount both, and the root may be read-only.
USER 65532:65532
ENTRYPOINT ["/usr/bin/writeback"]
CMD ["run"]
