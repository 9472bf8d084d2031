module wxlink.dev/benches

go 1.24

require wxlink.dev/go/wxlink v0.0.0

replace wxlink.dev/go/wxlink => ../../bindings/go
