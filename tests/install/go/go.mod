module example.com/user

go 1.24

require wxlink.dev/go/wxlink v0.0.0
