package wxlink

// #include <stdlib.h>
// #include <wxlink.h>
import "C"

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// Notify selects whether WeChat messages the account's followers about a link. A message cannot be
// taken back, so there is no default.
type Notify int32

const (
	NotifyNobody Notify = 0
	// NotifyFollowers has WeChat message every follower of the Official Account.
	NotifyFollowers Notify = 1
)

// Profile selects whether the mini program is shown in the Official Account's page. There is no
// default.
type Profile int32

const (
	HideInProfile Profile = 0
	ShowInProfile Profile = 1
)

// A Client calls WeChat and keeps connections for later calls. Make one with [New] and share it:
// any number of goroutines may use it at once.
type Client struct {
	handle *handle
}

// handle is the part of a client that a cleanup may refer to.
type handle struct {
	client  *C.wx_client
	timeout time.Duration
	slots   chan struct{} // has one element for each running call
	logger  *slog.Logger  // nil without WithLogger

	mu      sync.Mutex // guards closed: no call starts after it is set
	closed  bool
	closing chan struct{}
	calls   sync.WaitGroup
	free    sync.Once
}

// New makes a client. Nothing is connected yet.
//
// The client owns memory and connections outside of Go: end it with [Client.Close]. A client that
// is not closed is closed some time after it has become unreachable.
func New(options ...Option) (*Client, error) {
	if have := C.wx_abi_version(); have < C.WX_ABI_VERSION {
		return nil, refused(StatusInternal, fmt.Sprintf(
			"the program was built for version %d of the library's interface, but version %d is "+
				"loaded; install the newer library", C.WX_ABI_VERSION, have))
	}
	s, err := newSettings()
	if err != nil {
		return nil, err
	}
	defer s.free()
	for _, option := range options {
		if option == nil {
			return nil, refused(StatusBadOption, "an option is nil")
		}
		if err := option(s); err != nil {
			return nil, err
		}
	}
	var client *C.wx_client
	if status := C.wx_client_new(s.options, &client); status != C.WX_OK {
		return nil, s.failed(status)
	}
	return own(&handle{
		client:  client,
		timeout: s.timeout,
		slots:   make(chan struct{}, s.maxConcurrent),
		logger:  s.logger,
	}), nil
}

func own(h *handle) *Client {
	h.closing = make(chan struct{})
	c := &Client{h}
	runtime.AddCleanup(c, (*handle).close, h)
	return c
}

// Account makes a client for calls on that Official Account with an empty access token; the client
// gets the token from the source that [WithAccount] describes. It shares connections and
// [WithMaxConcurrent] with this client. Close both, in any order. It is cheap: it may be made for
// each call.
func (c *Client) Account(appID string) (*Client, error) {
	h, missing := c.open()
	if missing != nil {
		return nil, missing
	}
	if err := h.begin(); err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(c)
	defer h.calls.Done()
	s, err := newSettings()
	if err != nil {
		return nil, err
	}
	defer s.free()
	if err := s.set("account", appID); err != nil {
		return nil, err
	}
	var client *C.wx_client
	if status := C.wx_client_derive(h.client, s.options, &client); status != C.WX_OK {
		return nil, s.failed(status)
	}
	return own(&handle{client: client, timeout: h.timeout, slots: h.slots, logger: h.logger}), nil
}

// open returns the handle of a client that [New] has made.
func (c *Client) open() (*handle, *Error) {
	if c == nil || c.handle == nil {
		return nil, refused(StatusBadValue, "the client is nil or was not made by New")
	}
	return c.handle, nil
}

// Close waits for the running calls, then frees the client and its connections. Calls that wait for
// their turn, and later ones, return [ErrClosed]. To end running calls sooner, cancel their
// contexts. Close may be called more than once, and always returns nil.
func (c *Client) Close() error {
	if h, err := c.open(); err == nil {
		h.close()
	}
	return nil
}

func (h *handle) close() {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		close(h.closing)
	}
	h.mu.Unlock()
	h.calls.Wait()
	h.free.Do(func() { C.wx_client_free(h.client) })
}

// begin keeps the handle from being freed, unless it is already closed. Each begin that returns nil
// needs a calls.Done.
func (h *handle) begin() *Error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return closed()
	}
	h.calls.Add(1)
	return nil
}

// enter waits for the turn of a call. Each enter that returns nil needs a leave. If the context
// panics, enter undoes what [Client.Close] would wait for.
func (h *handle) enter(ctx context.Context) *Error {
	if err := h.begin(); err != nil {
		return err
	}
	entered := false
	defer func() {
		if !entered {
			h.calls.Done()
		}
	}()
	if ctx.Err() == nil {
		select {
		case h.slots <- struct{}{}:
			entered = true
			return nil
		case <-h.closing:
			return closed()
		case <-ctx.Done():
		}
	}
	return ended(ctx)
}

func (h *handle) leave() {
	<-h.slots
	h.calls.Done()
}

// derive makes a handle for one call that ctx may end. shortened reports that the handle's time
// limit is the context's deadline.
func (h *handle) derive(ctx context.Context) (derived *C.wx_client, shortened bool, err *Error) {
	var options *C.wx_options // NULL changes nothing
	s := &settings{}
	if deadline, ok := ctx.Deadline(); ok {
		left := time.Until(deadline)
		if shortened = left < h.timeout; shortened {
			if s.options = C.wx_options_new(); s.options != nil {
				defer s.free()
				if s.set("timeout_ms", milliseconds(max(left, 1))) == nil {
					options = s.options
				}
			}
		}
	}
	if status := C.wx_client_derive(h.client, options, &derived); status != C.WX_OK {
		return nil, false, refused(Status(status),
			"the process has no file descriptor left for a call that can be cancelled")
	}
	return derived, shortened, nil
}

// SetTicket stores the component_verify_ticket that WeChat pushes to a third-party platform every
// 10 minutes. The client must have been made with [WithComponentAppID] and
// [WithComponentAppSecret].
//
// It ends within the client's time limit and with its context, as every call does. The ticket may
// have been stored even then; it is safe to call again.
func (c *Client) SetTicket(ctx context.Context, ticket string) error {
	return c.store(ctx, "set_ticket", []string{ticket}, func(client *C.wx_client, texts []*C.char,
		result **C.wx_result) C.int32_t {
		return C.wx_client_set_ticket(client, texts[0], result)
	})
}

// AddAccount stores the refresh token that an Official Account gave when it authorised the
// platform. Limits and errors are those of [Client.SetTicket].
func (c *Client) AddAccount(ctx context.Context, appID, refreshToken string) error {
	texts := []string{appID, refreshToken}
	return c.store(ctx, "add_account", texts, func(client *C.wx_client, texts []*C.char,
		result **C.wx_result) C.int32_t {
		return C.wx_client_add_account(client, texts[0], texts[1], result)
	})
}

// AcceptPush accepts a push of WeChat's to a third-party platform: the raw query string and the
// body of the request that WeChat made to the platform's URL, unchanged. The client must have been
// made with [WithComponentAppID], [WithComponentAppSecret], [WithPushToken] and [WithPushAESKey].
//
// Answer with HTTP 200 and the body "success" if the error is nil, with 403 if its status is
// [StatusBadPush], else with 503, so that WeChat sends the push again. [Result.JSON] has the event,
// its account and what was done, in the form that wx_client_accept_push of wxlink.h describes.
func (c *Client) AcceptPush(ctx context.Context, rawQuery string, body []byte) (Result, error) {
	return c.call(ctx, "accept_push", "", rawQuery, func(client *C.wx_client, _, query *C.char,
		result **C.wx_result) C.int32_t {
		bytes := C.CBytes(body)
		defer C.free(bytes)
		return C.wx_client_accept_push(client, query, (*C.char)(bytes), C.size_t(len(body)), result)
	})
}

// AuthorizationURL makes the URLs of the pages on which an Official Account's administrator
// authorises the platform: any account, or the one with the appid account unless that is empty.
// [Result.JSON] has the fields computer_url, phone_url and expires_in. Call it when the
// administrator clicks: the URLs contain a code that is valid once and for a short time.
func (c *Client) AuthorizationURL(
	ctx context.Context, redirectURI, account string,
) (Result, error) {
	return c.call(ctx, "authorization_url", account, redirectURI, func(client *C.wx_client,
		one, uri *C.char, result **C.wx_result) C.int32_t {
		if account == "" {
			one = nil
		}
		return C.wx_client_authorization_url(client, uri, one, result)
	})
}

// AcceptAuthorization exchanges the code of a redirect (auth_code) for the account's tokens and
// stores them. [Result.JSON] has the fields account, permission_sets and may_link. The same code
// may be passed again.
func (c *Client) AcceptAuthorization(ctx context.Context, code string) (Result, error) {
	return c.call(ctx, "accept_authorization", code, "", func(client *C.wx_client, code, _ *C.char,
		result **C.wx_result) C.int32_t {
		return C.wx_client_accept_authorization(client, code, result)
	})
}

// AccountInfo describes an account that has authorised the platform. [Result.JSON] has the fields
// that wx_client_account_info of wxlink.h describes.
func (c *Client) AccountInfo(ctx context.Context, appID string) (Result, error) {
	return c.call(ctx, "account_info", "", appID, func(client *C.wx_client, _, account *C.char,
		result **C.wx_result) C.int32_t {
		return C.wx_client_account_info(client, account, result)
	})
}

// A storer is one of the library's functions that store texts.
type storer func(client *C.wx_client, texts []*C.char, result **C.wx_result) C.int32_t

// store runs a storer with copies of the texts, and logs its result under that name.
func (c *Client) store(ctx context.Context, name string, texts []string, store storer) error {
	started := time.Now()
	failed := c.storeUnlogged(ctx, texts, store)
	if failed != nil {
		c.log(ctx, name, started, failed.Result)
		return failed
	}
	c.log(ctx, name, started, Result{Status: StatusOK, Class: ClassOK})
	return nil
}

func (c *Client) storeUnlogged(ctx context.Context, texts []string, store storer) *Error {
	for _, text := range texts {
		if strings.ContainsRune(text, 0) {
			return refused(StatusBadValue, "a text contains a NUL byte")
		}
	}
	return c.run(ctx, func(client *C.wx_client, shortened bool) *Error {
		var copies []*C.char
		for _, text := range texts {
			c := C.CString(text)
			defer C.free(unsafe.Pointer(c))
			copies = append(copies, c)
		}
		var result *C.wx_result
		status := Status(store(client, copies, &result))
		defer C.wx_result_free(result)
		switch status {
		case StatusOK:
			return nil
		case StatusCancelled:
			return unstored(ctx)
		}
		e := &Error{Result: read(result, status)}
		if shortened && e.Timeout() {
			e.causes = []error{context.DeadlineExceeded}
		}
		return e
	})
}

// body is the part of a call that uses the client's handle. shortened reports that the handle's
// time limit is the context's deadline.
type body func(client *C.wx_client, shortened bool) *Error

// run waits for the turn of a call and runs body with a handle that ctx cancels. The turn ends even
// if body or the context panics, so that [Client.Close] does not block forever.
func (c *Client) run(ctx context.Context, body body) *Error {
	if ctx == nil {
		return refused(StatusBadValue, "the context is nil; pass context.Background()")
	}
	h, err := c.open()
	if err != nil {
		return err
	}
	if err := h.enter(ctx); err != nil {
		return err
	}
	defer runtime.KeepAlive(c)
	defer h.leave()

	if ctx.Done() == nil {
		return body(h.client, false)
	}
	client, shortened, err := h.derive(ctx)
	if err != nil {
		return err
	}
	defer C.wx_client_free(client)
	cancelled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		C.wx_client_cancel(client)
		close(cancelled)
	})
	defer func() {
		if !stop() {
			<-cancelled // The handle must not be freed while it is being cancelled.
		}
	}()
	return body(client, shortened)
}

// A verb is one of the library's calls.
type verb func(client *C.wx_client, token, id *C.char, result **C.wx_result) C.int32_t

// call runs a verb for at most as long as ctx allows, and logs its result under that name. It
// returns the library's result also with an error. A link that is pending, declined, vanished or in
// doubt is not an error.
func (c *Client) call(
	ctx context.Context, name, accessToken, id string, verb verb,
) (Result, error) {
	started := time.Now()
	r, err := c.unlogged(ctx, accessToken, id, verb)
	c.log(ctx, name, started, r)
	return r, err
}

func (c *Client) unlogged(
	ctx context.Context, accessToken, id string, verb verb,
) (Result, error) {
	if strings.ContainsRune(accessToken, 0) {
		return refused(StatusBadValue, "access_token contains a NUL byte").result()
	}
	if strings.ContainsRune(id, 0) {
		return refused(StatusBadValue, "appid contains a NUL byte").result()
	}
	var r Result
	failed := c.run(ctx, func(client *C.wx_client, shortened bool) *Error {
		token, cid := C.CString(accessToken), C.CString(id)
		defer C.free(unsafe.Pointer(token))
		defer C.free(unsafe.Pointer(cid))
		var result *C.wx_result
		status := Status(verb(client, token, cid, &result))
		defer C.wx_result_free(result)

		r = read(result, status)
		switch status {
		case StatusOK, StatusPending, StatusDeclined, StatusVanished, StatusInDoubt:
			return nil
		}
		e := &Error{Result: r}
		switch {
		case status == StatusCancelled:
			e.endedBy(ctx)
		case shortened && e.Timeout():
			// The library's clock reached the deadline slightly before the context's timer.
			e.causes = []error{context.DeadlineExceeded}
		}
		return e
	})
	if failed != nil {
		return failed.result()
	}
	return r, nil
}

// progress runs a verb whose result is a [Progress]. The error has it, too.
func (c *Client) progress(
	ctx context.Context, name, accessToken, id string, verb verb,
) (Progress, error) {
	r, err := c.call(ctx, name, accessToken, id, verb)
	p := readProgress(r)
	if e, ok := err.(*Error); ok {
		e.Progress = &p
	}
	return p, err
}

// LinkMiniProgram invites a mini program to be linked to an Official Account (WeChat's
// linkMiniprogram). It posts once; the library retries only what was never sent.
//
// Without an error the invitation is out. The Official Account's administrator must agree in a
// template message, then the mini program's administrator. Read the list, or use
// [Client.WaitLinked], to learn when they have. The error is [ErrPending] if an invitation is
// already out, and [ErrAlreadyDone] if the mini program is linked.
//
// The access token is the Official Account's authorizer_access_token. With an empty one, here as in
// every call, the client gets a token for its account: see [WithAccount].
func (c *Client) LinkMiniProgram(
	ctx context.Context, accessToken, appID string, notify Notify, profile Profile,
) (Result, error) {
	return c.call(ctx, "link_miniprogram", accessToken, appID, func(client *C.wx_client,
		token, id *C.char, result **C.wx_result) C.int32_t {
		return C.wx_link_miniprogram(
			client, token, id, C.int32_t(notify), C.int32_t(profile), result)
	})
}

// GetLinked reads the list of mini programs that are linked to an Official Account or on their way
// (WeChat's getLinkMiniprogram). It is safe to call again after any error.
func (c *Client) GetLinked(ctx context.Context, accessToken string) (List, error) {
	var items []MiniProgram
	r, err := c.call(ctx, "get_linked", accessToken, "", func(client *C.wx_client,
		token, _ *C.char, result **C.wx_result) C.int32_t {
		status := C.wx_get_linked(client, token, result)
		if Status(status) == StatusOK {
			items = readItems(*result)
		}
		return status
	})
	return List{Result: r, Items: items}, err
}

// UnlinkMiniProgram asks to unlink a mini program (WeChat's unlinkMiniprogram). It posts once; the
// library retries only what was never sent.
//
// Without an error the Official Account's administrator has been asked; the mini program stays in
// the list until they agree. The error is [ErrPending] if they were already asked.
func (c *Client) UnlinkMiniProgram(ctx context.Context, accessToken, appID string) (Result, error) {
	return c.call(ctx, "unlink_miniprogram", accessToken, appID, func(client *C.wx_client,
		token, id *C.char, result **C.wx_result) C.int32_t {
		return C.wx_unlink_miniprogram(client, token, id, result)
	})
}

// EnsureLinked makes sure that a mini program is linked to an Official Account. Calls that share a
// store (option store; the default is this process's memory) can repeat it safely, whatever an
// earlier call did.
//
// It reads the list, posts a link if the list shows no trace of the mini program, and waits up to
// wait for the administrators (0 does not wait). The call ends within the client's time limit plus
// wait, or with its context.
//
// Without an error the state of the link is known: look at the State and WaitsFor of the progress,
// since a link that is pending, declined, vanished or in doubt is not an error. With an error the
// progress has the state so far: after [ErrToken] call again with another token. If the context or
// the time limit ended the call, the text of the error describes what the call had done.
func (c *Client) EnsureLinked(
	ctx context.Context, accessToken, appID string, notify Notify, profile Profile,
	wait time.Duration,
) (Progress, error) {
	ms := waitMilliseconds(wait)
	return c.progress(ctx, "ensure_linked", accessToken, appID, func(client *C.wx_client,
		token, id *C.char, result **C.wx_result) C.int32_t {
		return C.wx_ensure_linked(
			client, token, id, C.int32_t(notify), C.int32_t(profile), ms, result)
	})
}

// WaitLinked waits up to wait until a mini program is linked, declined or vanished; 0 reads the
// list once. It posts nothing. appIDOrGhID is the mini program's appid or original id (gh_...). A
// refused item has no appid: given only the appid, a link that was refused before this call looks
// vanished.
//
// States and errors are those of [Client.EnsureLinked].
func (c *Client) WaitLinked(
	ctx context.Context, accessToken, appIDOrGhID string, wait time.Duration,
) (Progress, error) {
	ms := waitMilliseconds(wait)
	return c.progress(ctx, "wait_linked", accessToken, appIDOrGhID, func(client *C.wx_client,
		token, id *C.char, result **C.wx_result) C.int32_t {
		return C.wx_wait_linked(client, token, id, ms, result)
	})
}

// waitMilliseconds converts a wait for the library: rounded up, at most 49 days.
func waitMilliseconds(wait time.Duration) C.uint32_t {
	ms := (max(wait, 0) + time.Millisecond - 1) / time.Millisecond
	return C.uint32_t(min(ms, math.MaxUint32))
}

// Version returns the version of the loaded library, such as "1.2.3".
func Version() string { return C.GoString(C.wx_version()) }
