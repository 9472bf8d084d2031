//go:build !wxlink_nopkgconfig && !wxlink_static

package wxlink

// #cgo pkg-config: wxlink
import "C"
