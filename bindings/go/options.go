package wxlink

// #include <stdlib.h>
// #include <wxlink.h>
import "C"

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

const (
	defaultTimeout = 10 * time.Second
	// The library keeps as many idle connections.
	defaultMaxConcurrent = 128
)

// An Option is a setting for a client. [New] checks its value.
type Option func(*settings) error

// settings collects the options while a client is made.
type settings struct {
	options       *C.wx_options
	timeout       time.Duration
	maxConcurrent int
}

func newSettings() (*settings, error) {
	s := &settings{options: C.wx_options_new(), timeout: defaultTimeout, maxConcurrent: defaultMaxConcurrent}
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

// CheckOption returns the error that [New] would return for that option and value. It makes no client:
// it reads neither certificates nor the environment.
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

// WithBaseURL sets WeChat's entry hosts in order of preference: https://HOST[:PORT], or http:// on
// loopback only. The default is https://api.weixin.qq.com.
func WithBaseURL(urls ...string) Option {
	return WithOption("base_url", strings.Join(urls, ","))
}

// WithTimeout limits a whole call: name look-up, connections, retries and the answer. The default is 10
// seconds. A context's deadline can shorten the limit, not lengthen it.
func WithTimeout(limit time.Duration) Option {
	return WithOption("timeout_ms", milliseconds(limit))
}

// WithConnectTimeout limits one attempt to connect: name look-up, TCP, proxy and TLS together. The
// default is 3 seconds.
func WithConnectTimeout(limit time.Duration) Option {
	return WithOption("connect_timeout_ms", milliseconds(limit))
}

// WithMaxRetries sets how often the library retries a call, 0 to 10. It retries only what cannot happen
// twice: requests that were never sent, and reads. The default is 2.
func WithMaxRetries(times int) Option {
	return WithOption("max_retries", strconv.Itoa(times))
}

// WithKeepAlive sets how long an idle connection is kept for the next call. The default is 15 seconds; 0
// opens a connection for every call.
func WithKeepAlive(idle time.Duration) Option {
	return WithOption("keep_alive_ms", milliseconds(idle))
}

// WithProxy sets the proxy for https hosts: none (the default), env, http://[USER:PASSWORD@]HOST:PORT
// or socks5://[USER:PASSWORD@]HOST:PORT. With env [New] reads HTTPS_PROXY, else ALL_PROXY, and
// NO_PROXY. Plain http never goes through a proxy.
func WithProxy(proxy string) Option {
	return WithOption("proxy", proxy)
}

// WithCAFile names a PEM file of CA certificates that are trusted in addition to the roots. [New] reads
// it.
func WithCAFile(path string) Option {
	return WithOption("ca_file", path)
}

// WithTrust chooses the roots: system (the default), or bundled, Mozilla's roots that the library
// contains.
func WithTrust(roots string) Option {
	return WithOption("trust", roots)
}

// WithUserAgent sets the User-Agent header: 1 to 256 printable ASCII characters.
func WithUserAgent(agent string) Option {
	return WithOption("user_agent", agent)
}

// WithMaxResponseBytes limits the size of an answer, 1024 bytes to 1 GiB. The default is 4 MiB.
func WithMaxResponseBytes(bytes int) Option {
	return WithOption("max_response_bytes", strconv.Itoa(bytes))
}

// WithLang sets the language of messages and remedies: en (the default) or zh.
func WithLang(lang string) Option {
	return WithOption("lang", lang)
}

// WithAccount sets the appid of the Official Account for calls with an empty access token. The client
// gets its token from one of three sources: [WithAccessToken], [WithTokenCommand] or
// [WithComponentAppID].
func WithAccount(appID string) Option {
	return WithOption("account", appID)
}

// WithAccessToken sets the access token for calls with an empty one.
func WithAccessToken(token string) Option {
	return WithOption("access_token", token)
}

// WithTokenCommand sets a shell command that prints the access token of an account.
func WithTokenCommand(command string) Option {
	return WithOption("token_command", command)
}

// WithComponentAppID sets the appid of the third-party platform that gets its accounts' tokens from
// WeChat.
func WithComponentAppID(appID string) Option {
	return WithOption("component_appid", appID)
}

// WithComponentAppSecret sets the appsecret of the platform.
func WithComponentAppSecret(secret string) Option {
	return WithOption("component_appsecret", secret)
}

// WithStore sets where the platform's tickets and tokens are stored: memory (the default), file:PATH,
// redis:// or rediss://.
func WithStore(store string) Option {
	return WithOption("store", store)
}

// WithMaxConcurrent limits how many calls run at the same time, since each occupies an operating system
// thread. Further calls wait for their turn. The time they wait does not count towards [WithTimeout],
// but the call's context ends it. The default is 128.
func WithMaxConcurrent(calls int) Option {
	return func(s *settings) error {
		if calls < 1 {
			return refused(StatusBadOption, fmt.Sprintf("WithMaxConcurrent takes 1 or more, not %d", calls))
		}
		s.maxConcurrent = calls
		return nil
	}
}

// milliseconds converts a time for the library. It rounds up, so that no time above 0 becomes 0.
func milliseconds(d time.Duration) string {
	ms := d.Milliseconds()
	if d%time.Millisecond > 0 {
		ms++
	}
	return strconv.FormatInt(ms, 10)
}
