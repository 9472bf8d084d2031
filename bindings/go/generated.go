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

	// The push is not WeChat's, or not for this platform.
	StatusBadPush Status = -7

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

	// The store cannot be used.
	StatusStore Status = -26

	// The time limit was reached after the request was sent.
	StatusTimeout Status = -40

	// The connection broke after the request was sent.
	StatusConnectionLost Status = -41

	// An earlier invitation may still take effect.
	StatusInDoubt Status = -42

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

	// The request was sent, but no answer came from WeChat: read the list before calling again.
	OutcomeUnknown Delivery = 1

	// WeChat answered with an errcode, which is the outcome of the request.
	Answered Delivery = 2
)

const (
	// The mini program is linked.
	Linked LinkStatus = 1

	// The mini program's administrator has to agree.
	AwaitingMiniProgram LinkStatus = 2

	// The mini program's administrator refused.
	Refused LinkStatus = 3

	// The Official Account's administrator has to agree.
	AwaitingOfficialAccount LinkStatus = 12
)

// statuses has every status.
var statuses = []Status{
	StatusOK,
	StatusNullPointer,
	StatusNotUTF8,
	StatusBadValue,
	StatusBadOption,
	StatusBuffer,
	StatusNotFound,
	StatusBadPush,
	StatusResolve,
	StatusConnect,
	StatusTLS,
	StatusProxy,
	StatusTimeoutUnsent,
	StatusNoToken,
	StatusStore,
	StatusTimeout,
	StatusConnectionLost,
	StatusInDoubt,
	StatusBadAnswer,
	StatusTooLarge,
	StatusAPI,
	StatusPending,
	StatusDeclined,
	StatusVanished,
	StatusCancelled,
	StatusForked,
	StatusInternal,
}

// Trust is a value of the option trust: see [WithTrust].
type Trust string

const (
	TrustSystem  Trust = "system"
	TrustBundled Trust = "bundled"
)

// Lang is a value of the option lang: see [WithLang].
type Lang string

const (
	LangEN Lang = "en"
	LangZH Lang = "zh"
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

// WithBaseURL sets the option base_url. WeChat's API hosts, the preferred one first. If a request
// could not be sent to one host, the next is tried. Takes 1 to 16 URLs separated by commas:
// https://HOST[:PORT], or http://HOST[:PORT] if HOST is a loopback address. Default:
// https://api.weixin.qq.com.
func WithBaseURL(urls ...string) Option {
	return WithOption("base_url", strings.Join(urls, ","))
}

// WithTimeout sets the option timeout_ms. Time limit for a whole call: name resolution, connecting,
// retries and reading the response. Takes 1 to 3600000 ms. Default: 10000.
func WithTimeout(limit time.Duration) Option {
	return WithOption("timeout_ms", milliseconds(limit))
}

// WithConnectTimeout sets the option connect_timeout_ms. Time limit for opening one connection:
// name resolution, TCP, proxy and TLS handshakes. Takes 1 to 3600000 ms. Default: 3000.
func WithConnectTimeout(limit time.Duration) Option {
	return WithOption("connect_timeout_ms", milliseconds(limit))
}

// WithMaxRetries sets the option max_retries. How often a call retries automatically. Only requests
// that cannot take effect twice are retried: those that were never sent, and reads. Takes 0 to 10.
// Default: 2.
func WithMaxRetries(times int) Option {
	return WithOption("max_retries", strconv.Itoa(times))
}

// WithSettle sets the option settle_ms. How long after a post no other one is made for the same
// account and mini program by the calls that ensure a link: an invitation may take effect long
// after its request seemed to fail. See reliability.md. Takes 0 to 3600000 ms; 0 switches link
// claims and the memory of invitations off. Default: 90000.
func WithSettle(limit time.Duration) Option {
	return WithOption("settle_ms", milliseconds(limit))
}

// WithReinvite sets the option reinvite. Whether a mini program whose earlier invitation is no
// longer in the list is invited again. The store remembers invitations for 90 days. Takes no or
// yes. Default: no.
func WithReinvite(on bool) Option {
	return WithOption("reinvite", yesOrNo(on))
}

// WithKeepAlive sets the option keep_alive_ms. How long an idle connection is kept open for later
// calls. Takes 0 to 3600000 ms; 0 opens a new connection for every call. Default: 15000.
func WithKeepAlive(limit time.Duration) Option {
	return WithOption("keep_alive_ms", milliseconds(limit))
}

// WithProxy sets the option proxy. The proxy for https hosts. With env, the client reads
// HTTPS_PROXY (or ALL_PROXY) and NO_PROXY once, when it is created, by curl's rules. Plain http is
// used for loopback hosts only and never through a proxy. Takes none, env,
// http://[USER:PASSWORD@]HOST:PORT or socks5://[USER:PASSWORD@]HOST:PORT; percent-encode special
// characters in USER and PASSWORD. Default: none.
func WithProxy(value string) Option {
	return WithOption("proxy", value)
}

// WithCAFile sets the option ca_file. CA certificates to trust in addition to the roots that trust
// selects. Read when the client is created. Takes a path to a PEM file; empty for none.
func WithCAFile(path string) Option {
	return WithOption("ca_file", path)
}

// WithTrust sets the option trust. The root certificates to trust: system uses the operating
// system's, and the bundled ones if it has none; bundled uses Mozilla's, which are part of the
// library. Takes system or bundled. Default: system.
func WithTrust(trust Trust) Option {
	return WithOption("trust", string(trust))
}

// WithUserAgent sets the option user_agent. The User-Agent header of every request. Takes 1 to 256
// printable ASCII characters. Default: wxlink/VERSION.
func WithUserAgent(value string) Option {
	return WithOption("user_agent", value)
}

// WithMaxResponseBytes sets the option max_response_bytes. The largest response that is read. A
// call fails if the response is larger. Takes 1024 to 1073741824 bytes. Default: 4194304.
func WithMaxResponseBytes(bytes int) Option {
	return WithOption("max_response_bytes", strconv.Itoa(bytes))
}

// WithLang sets the option lang. The language of messages: English or Chinese. Takes en or zh.
// Default: en.
func WithLang(lang Lang) Option {
	return WithOption("lang", string(lang))
}

// WithAccount sets the option account. The Official Account for calls that pass no access token.
// Its token comes from one of three sources: access_token, token_command or component_appid. Of a
// token that is passed it names the owner, so that invitations are remembered. Takes the appid of
// an Official Account; empty for none.
func WithAccount(value string) Option {
	return WithOption("account", value)
}

// WithAccessToken sets the option access_token. Token source 1: this access token, for calls that
// pass none. Takes an access token; empty for none.
func WithAccessToken(value string) Option {
	return WithOption("access_token", value)
}

// WithTokenCommand sets the option token_command. Token source 2: a program that prints an access
// token. It reads the lines account=APPID and refused_token=TOKEN, then an empty line, from
// standard input. It prints the token alone, or the lines access_token=TOKEN and
// expires_in=SECONDS, or JSON with these two fields. It is killed after timeout_ms. See tokens.md.
// Takes a shell command; empty for none.
func WithTokenCommand(value string) Option {
	return WithOption("token_command", value)
}

// WithComponentAppID sets the option component_appid. Token source 3: this third-party platform.
// The client fetches and refreshes the access tokens of the accounts that authorised it. Needs
// component_appsecret. Takes the appid of a third-party platform; empty for none.
func WithComponentAppID(value string) Option {
	return WithOption("component_appid", value)
}

// WithComponentAppSecret sets the option component_appsecret. The appsecret of the platform that
// component_appid names. Takes the platform's appsecret; empty for none.
func WithComponentAppSecret(value string) Option {
	return WithOption("component_appsecret", value)
}

// WithPushToken sets the option push_token. The token in the platform's settings that signs
// WeChat's pushes. To change it, set the new one and the previous one: pushes signed with either
// are accepted. See authorization.md. Takes 1 to 8 tokens separated by commas, the current one
// first; empty for none.
func WithPushToken(value string) Option {
	return WithOption("push_token", value)
}

// WithPushAesKey sets the option push_aes_key. The EncodingAESKey in the platform's settings that
// encrypts WeChat's pushes. To change it, set the new one and the previous one. Takes 1 to 8 keys
// of 43 characters separated by commas, the current one first; empty for none.
func WithPushAesKey(value string) Option {
	return WithOption("push_aes_key", value)
}

// WithStore sets the option store. Where link claims, and a platform's tickets and tokens, are
// kept: memory for this process only, file for all processes of one machine, redis or rediss (TLS)
// for several machines. Takes memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or
// rediss://… Default: memory.
func WithStore(value string) Option {
	return WithOption("store", value)
}
