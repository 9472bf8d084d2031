//go:build wxlink_static

package wxlink

// What follows the archive is what the Rust standard library in it needs from the system.

// #cgo LDFLAGS: -l:libwxlink.a -lgcc_s -lutil -lrt -lpthread -lm -ldl
import "C"
