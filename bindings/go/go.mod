module wxlink.dev/go/wxlink

go 1.24
