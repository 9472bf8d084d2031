package wxlink

// #include <stdlib.h>
// #include <wxlink.h>
import "C"

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// The library keeps as many idle connections.
const defaultMaxConcurrent = 128

// An Option is a setting for a client. [New] checks its value.
type Option func(*settings) error

// settings collects the options while a client is made.
type settings struct {
	options       *C.wx_options
	timeout       time.Duration
	maxConcurrent int
	logger        *slog.Logger
}

func newSettings() (*settings, error) {
	s := &settings{
		options:       C.wx_options_new(),
		timeout:       defaultTimeout,
		maxConcurrent: defaultMaxConcurrent,
	}
	if s.options == nil {
		return nil, refused(StatusInternal, "the process has no memory left")
	}
	return s, nil
}

func (s *settings) free() { C.wx_options_free(s.options) }

func (s *settings) set(key, value string) error {
	if strings.ContainsRune(key, 0) {
		return refused(StatusBadOption, "the option's name contains a NUL byte")
	}
	if strings.ContainsRune(value, 0) {
		return refused(StatusBadOption, fmt.Sprintf("option %s contains a NUL byte", key))
	}
	k, v := C.CString(key), C.CString(value)
	defer C.free(unsafe.Pointer(k))
	defer C.free(unsafe.Pointer(v))
	if status := C.wx_options_set(s.options, k, v); status != C.WX_OK {
		return s.failed(status)
	}
	if key == "timeout_ms" {
		if ms, err := strconv.Atoi(value); err == nil {
			s.timeout = time.Duration(ms) * time.Millisecond
		}
	}
	return nil
}

// failed makes the error of a function whose message is in the options.
func (s *settings) failed(status C.int32_t) error {
	e := refused(Status(status), "")
	if message := C.GoString(C.wx_options_message(s.options)); message != "" {
		e.setMessage(message)
	}
	return e
}

// CheckOption returns the error that [New] would return for that option and value. It makes no
// client: it reads neither certificates nor the environment.
func CheckOption(key, value string) error {
	s, err := newSettings()
	if err != nil {
		return err
	}
	defer s.free()
	return s.set(key, value)
}

// WithOption sets an option by its name in the library's table, docs/options.md.
func WithOption(key, value string) Option {
	return func(s *settings) error { return s.set(key, value) }
}

// WithMaxConcurrent limits how many calls run at the same time, since each occupies an operating
// system thread. Further calls wait for their turn. The time they wait does not count towards
// [WithTimeout], but the call's context ends it. The default is 128.
func WithMaxConcurrent(calls int) Option {
	return func(s *settings) error {
		if calls < 1 {
			return refused(StatusBadOption,
				fmt.Sprintf("WithMaxConcurrent takes 1 or more, not %d", calls))
		}
		s.maxConcurrent = calls
		return nil
	}
}

// WithLogger logs each call with level DEBUG after it has ended: its name, status, errcode, class,
// delivery, duration, rid and trace, and if it failed its message. It logs no token and no other
// secret. Clients made by [Client.Account] log to the same logger.
func WithLogger(logger *slog.Logger) Option {
	return func(s *settings) error {
		s.logger = logger
		return nil
	}
}

// yesOrNo converts a flag for the library.
func yesOrNo(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}

// milliseconds converts a time for the library. It rounds up, so that no time above 0 becomes 0.
func milliseconds(d time.Duration) string {
	ms := d.Milliseconds()
	if d%time.Millisecond > 0 {
		ms++
	}
	return strconv.FormatInt(ms, 10)
}
