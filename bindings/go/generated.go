// Code generated from the library's tables. Written by `make generate`; do not edit.

package wxlink

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// WeChat accepted the request.
	StatusOK Status = 0

	// A pointer that must not be NULL is NULL.
	StatusNullPointer Status = -1

	// A text is not valid UTF-8.
	StatusNotUTF8 Status = -2

	// An argument is invalid.
	StatusBadValue Status = -3

	// The option does not exist, or its value is invalid.
	StatusBadOption Status = -4

	// The caller's buffer is too small.
	StatusBuffer Status = -5

	// The result holds no value at that place.
	StatusNotFound Status = -6

	// The host's name could not be resolved.
	StatusResolve Status = -20

	// The connection to the host failed.
	StatusConnect Status = -21

	// The TLS handshake failed.
	StatusTLS Status = -22

	// The proxy failed to connect to the host.
	StatusProxy Status = -23

	// The time limit was reached before anything was sent.
	StatusTimeoutUnsent Status = -24

	// No valid access token could be fetched for the account.
	StatusNoToken Status = -25

	// The time limit was reached after the request was sent.
	StatusTimeout Status = -40

	// The connection broke after the request was sent.
	StatusConnectionLost Status = -41

	// The response is not a valid answer of WeChat.
	StatusBadAnswer Status = -60

	// The response is larger than max_response_bytes.
	StatusTooLarge Status = -61

	// WeChat answered with an errcode other than 0.
	StatusAPI Status = -70

	// An invitation was sent and waits for an administrator.
	StatusPending Status = -80

	// The mini program's administrator refused.
	StatusDeclined Status = -81

	// The mini program is not, or no longer, in the list.
	StatusVanished Status = -82

	// The call was cancelled.
	StatusCancelled Status = -90

	// The client was made before a fork and used in the child.
	StatusForked Status = -91

	// An internal error of the library.
	StatusInternal Status = -99
)

const (
	// Done, or done before: continue.
	ClassOK Class = "ok"

	// Not a failure, it is in progress: wait for the administrators and read the list; do not
	// repeat the call.
	ClassPending Class = "pending"

	// Get another access token and call again, once.
	ClassToken Class = "token"

	// Wait and try again, a bounded number of times; read the list before repeating a link or
	// unlink.
	ClassBusy Class = "busy"

	// Call again when the minute, the day or the month is over.
	ClassQuota Class = "quota"

	// An administrator or operator must act first.
	ClassActionRequired Class = "action_required"

	// Correct the call; the same call would be refused again.
	ClassInvalidRequest Class = "invalid_request"

	// Pass on the component_verify_ticket that WeChat pushes to the platform, then call again.
	ClassTicket Class = "ticket"
)

const (
	// Nothing was sent: calling again cannot do anything twice.
	NeverSent Delivery = 0

	// The request was sent and no verdict came back: read the list before linking again.
	OutcomeUnknown Delivery = 1

	// WeChat answered: the errcode is its verdict.
	Answered Delivery = 2
)

const (
	// The mini program is linked.
	Linked LinkStatus = 1

	// The mini program's administrator has to agree.
	AwaitingMiniProgram LinkStatus = 2

	// The mini program's administrator refused.
	RefusedByMiniProgram LinkStatus = 3

	// The Official Account's administrator has to agree.
	AwaitingOfficialAccount LinkStatus = 12
)

// String returns the word that the library uses in JSON.
func (d Delivery) String() string {
	switch d {
	case NeverSent:
		return "never sent"
	case OutcomeUnknown:
		return "unknown"
	case Answered:
		return "answered"
	}
	return fmt.Sprintf("Delivery(%d)", int32(d))
}

// The time limit of a call unless [WithTimeout] sets another.
const defaultTimeout = 10000 * time.Millisecond

// WithBaseURL sets the option base_url. WeChat's entry hosts in order of preference; what was never
// sent may move on to the next. Takes 1 to 16 URLs, separated by commas: https://HOST[:PORT], or
// http://HOST[:PORT] on loopback. Default: https://api.weixin.qq.com.
func WithBaseURL(urls ...string) Option {
	return WithOption("base_url", strings.Join(urls, ","))
}

// WithTimeout sets the option timeout_ms. Time limit of a whole call: names, connections, retries
// and the answer included. Takes 1 to 3600000 ms. Default: 10000.
func WithTimeout(limit time.Duration) Option {
	return WithOption("timeout_ms", milliseconds(limit))
}

// WithConnectTimeout sets the option connect_timeout_ms. Time limit of one attempt to get a
// connection: name, TCP, proxy and TLS together. Takes 1 to 3600000 ms. Default: 3000.
func WithConnectTimeout(limit time.Duration) Option {
	return WithOption("connect_timeout_ms", milliseconds(limit))
}

// WithMaxRetries sets the option max_retries. How often a call tries again by itself, and only what
// cannot happen twice: requests never sent, and reads. Takes 0 to 10. Default: 2.
func WithMaxRetries(times int) Option {
	return WithOption("max_retries", strconv.Itoa(times))
}

// WithKeepAlive sets the option keep_alive_ms. How long an idle connection is kept for the next
// call. Takes 0 to 3600000 ms; 0 opens a connection for every call. Default: 15000.
func WithKeepAlive(limit time.Duration) Option {
	return WithOption("keep_alive_ms", milliseconds(limit))
}

// WithProxy sets the option proxy. The proxy for https hosts; env reads HTTPS_PROXY, else
// ALL_PROXY, and NO_PROXY as curl does, when the client is created. Plain http goes to loopback and
// never through a proxy. Takes none, env, http://[USER:PASSWORD@]HOST:PORT or
// socks5://[USER:PASSWORD@]HOST:PORT; special characters of a user or password percent-encoded.
// Default: none.
func WithProxy(value string) Option {
	return WithOption("proxy", value)
}

// WithCAFile sets the option ca_file. CA certificates trusted besides the roots; read when the
// client is made. Takes a path to a PEM file; empty for none.
func WithCAFile(path string) Option {
	return WithOption("ca_file", path)
}

// WithTrust sets the option trust. The roots: the system's, or Mozilla's as bundled with the
// library, which also serve where the system has none. Takes system or bundled. Default: system.
func WithTrust(value string) Option {
	return WithOption("trust", value)
}

// WithUserAgent sets the option user_agent. The User-Agent header. Takes 1 to 256 printable ASCII
// characters. Default: wxlink/VERSION.
func WithUserAgent(value string) Option {
	return WithOption("user_agent", value)
}

// WithMaxResponseBytes sets the option max_response_bytes. The largest answer that is read. Takes
// 1024 to 1073741824 bytes. Default: 4194304.
func WithMaxResponseBytes(bytes int) Option {
	return WithOption("max_response_bytes", strconv.Itoa(bytes))
}

// WithLang sets the option lang. The language of messages and remedies. Takes en or zh. Default:
// en.
func WithLang(value string) Option {
	return WithOption("lang", value)
}

// WithAccount sets the option account. The Official Account that calls without an access_token are
// for; its token comes from the source that is set. Takes an appid; empty for none.
func WithAccount(value string) Option {
	return WithOption("account", value)
}

// WithAccessToken sets the option access_token. A source of tokens: this one, for calls without an
// access_token. Takes a token; empty for none.
func WithAccessToken(value string) Option {
	return WithOption("access_token", value)
}

// WithTokenCommand sets the option token_command. A source of tokens: a program that reads lines on
// its input (account=, refused_token=, an empty line) and prints the token alone, lines
// access_token= and expires_in= (s), or JSON such as WeChat's; killed after timeout_ms. See
// tokens.md. Takes a shell command; empty for none.
func WithTokenCommand(value string) Option {
	return WithOption("token_command", value)
}

// WithComponentAppID sets the option component_appid. A source of tokens: this third-party
// platform, which gets and renews its accounts' tokens from WeChat. Takes an appid; empty for none.
func WithComponentAppID(value string) Option {
	return WithOption("component_appid", value)
}

// WithComponentAppSecret sets the option component_appsecret. The platform's appsecret. Takes a
// secret; empty for none.
func WithComponentAppSecret(value string) Option {
	return WithOption("component_appsecret", value)
}

// WithStore sets the option store. Where the platform's tickets and tokens are kept: for this
// client alone, for the processes of a machine, or for many machines. Takes memory, file:PATH,
// redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://… Default: memory.
func WithStore(value string) Option {
	return WithOption("store", value)
}
