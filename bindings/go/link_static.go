//go:build wxlink_static

package wxlink

// The libraries after the archive are those that the Rust standard library in it needs.

// #cgo LDFLAGS: -l:libwxlink.a -lgcc_s -lutil -lrt -lpthread -lm -ldl
import "C"
