//go:build wxlink_nopkgconfig && !wxlink_static

package wxlink

// #cgo LDFLAGS: -lwxlink
import "C"
