package wxlink

// #include <stdlib.h>
// #include <wxlink.h>
import "C"

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"time"
	"unsafe"
)

// Notify says whether a link messages the account's followers. There is no default: whoever links
// must choose.
type Notify int32

const (
	NotifyNobody Notify = 0
	// NotifyFollowers has WeChat message every follower of the Official Account.
	NotifyFollowers Notify = 1
)

// Profile says whether the mini program is shown in the Official Account's page. There is no default.
type Profile int32

const (
	HideInProfile Profile = 0
	ShowInProfile Profile = 1
)

// A Client calls WeChat and keeps connections for the calls to come. Make one with [New] and share
// it: any number of goroutines may use it at once.
type Client struct {
	handle *handle
}

// handle is the part of a client that a cleanup may hold on to.
type handle struct {
	client  *C.wx_client
	timeout time.Duration
	slots   chan struct{} // holds one for each call that runs

	mu      sync.Mutex // guards closed, and that no call begins once it is set
	closed  bool
	closing chan struct{}
	calls   sync.WaitGroup
	free    sync.Once
}

// New makes a client. Nothing is connected yet.
//
// The client holds memory and connections that Go does not see: end it with [Client.Close]. One that
// is forgotten is closed some time after nothing refers to it any more.
func New(options ...Option) (*Client, error) {
	if have := C.wx_abi_version(); have < C.WX_ABI_VERSION {
		return nil, refused(StatusInternal, fmt.Sprintf(
			"the program was built for version %d of the library's interface, but version %d is loaded; "+
				"install the newer library", C.WX_ABI_VERSION, have))
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
	return own(client, s.timeout, make(chan struct{}, s.maxConcurrent)), nil
}

func own(client *C.wx_client, timeout time.Duration, slots chan struct{}) *Client {
	c := &Client{&handle{client: client, timeout: timeout, slots: slots, closing: make(chan struct{})}}
	runtime.AddCleanup(c, (*handle).close, c.handle)
	return c
}

// Account makes a client for calls on that Official Account with an empty access token, which it gets
// from the source that [WithAccount] tells of. It shares everything with this one, [WithMaxConcurrent]
// included, but its end: close both, in any order. It is cheap, and may be made for each call.
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
	return own(client, h.timeout, h.slots), nil
}

// open gives the handle of a client that [New] has made.
func (c *Client) open() (*handle, *Error) {
	if c == nil || c.handle == nil {
		return nil, refused(StatusBadValue, "the client is nil or was not made by New")
	}
	return c.handle, nil
}

// Close waits for the calls that run, then frees the client and its connections. Calls that wait
// for their turn, and later ones, return [ErrClosed]. To end running calls sooner, cancel their
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

// begin keeps the handle from being freed, unless it is closed. Each begin that returns nil needs a Done
// of calls.
func (h *handle) begin() *Error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return closed()
	}
	h.calls.Add(1)
	return nil
}

// enter waits for the turn of a call. Each enter that returns nil needs a leave. A context that
// panics leaves nothing behind that [Client.Close] would wait for.
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

// derive makes a handle for one call that ctx may end. shortened says that the handle's time limit
// is the context's deadline.
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
		return nil, false, refused(Status(status), "there is no file descriptor left for a call that can be cancelled")
	}
	return derived, shortened, nil
}

// SetTicket stores the component_verify_ticket that WeChat pushes to a third-party platform every 10
// minutes. The client must have been made with [WithComponentAppID] and [WithComponentAppSecret].
//
// It ends with the client's time limit or with its context, as every call does. After that the
// ticket may have been stored all the same; it is safe to call again.
func (c *Client) SetTicket(ctx context.Context, ticket string) error {
	return c.put(ctx, func(client *C.wx_client, text func(string) *C.char) C.int32_t {
		return C.wx_client_set_ticket(client, text(ticket))
	}, ticket)
}

// AddAccount stores the refresh token that an Official Account gave when it authorised the platform.
// Limits and errors are those of [Client.SetTicket].
func (c *Client) AddAccount(ctx context.Context, appID, refreshToken string) error {
	return c.put(ctx, func(client *C.wx_client, text func(string) *C.char) C.int32_t {
		return C.wx_client_add_account(client, text(appID), text(refreshToken))
	}, appID, refreshToken)
}

// put runs a function of the library that stores texts and gives a status alone.
func (c *Client) put(ctx context.Context, store func(client *C.wx_client, text func(string) *C.char) C.int32_t, texts ...string) error {
	for _, text := range texts {
		if strings.ContainsRune(text, 0) {
			return refused(StatusBadValue, "a text holds a NUL byte")
		}
	}
	failed := c.run(ctx, func(client *C.wx_client, shortened bool) *Error {
		var copies []*C.char
		defer func() {
			for _, text := range copies {
				C.free(unsafe.Pointer(text))
			}
		}()
		status := Status(store(client, func(text string) *C.char {
			copies = append(copies, C.CString(text))
			return copies[len(copies)-1]
		}))
		switch status {
		case StatusOK:
			return nil
		case StatusCancelled:
			return unstored(ctx)
		}
		e := refused(status, "")
		if shortened && e.Timeout() {
			e.causes = []error{context.DeadlineExceeded}
		}
		return e
	})
	if failed != nil {
		return failed
	}
	return nil
}

// run calls body with a handle that ctx cancels, for as long as a call has its turn. Whatever
// panics in it or in the context, the turn ends: [Client.Close] does not wait for it. shortened says
// that the handle's time limit is the context's deadline.
func (c *Client) run(ctx context.Context, body func(client *C.wx_client, shortened bool) *Error) *Error {
	if ctx == nil {
		return refused(StatusBadValue, "the context is nil; pass context.Background() if there is none")
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
			<-cancelled // the handle must not be freed while it is being cancelled
		}
	}()
	return body(client, shortened)
}

// verb is one of the library's calls.
type verb func(client *C.wx_client, token, id *C.char, result **C.wx_result) C.int32_t

// call runs a verb for as long as ctx allows. The result is what the library made of it, whether or
// not there is an error.
func (c *Client) call(ctx context.Context, accessToken, id string, verb verb) (Result, error) {
	if strings.ContainsRune(accessToken, 0) {
		return refused(StatusBadValue, "access_token holds a NUL byte").result()
	}
	if strings.ContainsRune(id, 0) {
		return refused(StatusBadValue, "appid holds a NUL byte").result()
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
		if status == StatusOK {
			return nil
		}
		e := &Error{Result: r, Message: C.GoString(C.wx_result_message(result))}
		switch {
		case status == StatusCancelled:
			e.endedBy(ctx)
		case shortened && e.Timeout():
			// The library's clock was a little faster than the context's.
			e.causes = []error{context.DeadlineExceeded}
		}
		return e
	})
	if failed != nil {
		return failed.result()
	}
	return r, nil
}

// progress runs a verb whose result is a [Progress], which the error carries as well.
func (c *Client) progress(ctx context.Context, accessToken, id string, verb verb) (Progress, error) {
	r, err := c.call(ctx, accessToken, id, verb)
	p := readProgress(r)
	if e, ok := err.(*Error); ok {
		e.Progress = &p
	}
	return p, err
}

// LinkMiniProgram invites a mini program to be linked to an Official Account (WeChat's
// linkMiniprogram). It posts once: it is repeated by itself only if nothing was sent.
//
// No error means that the invitation is out. The Official Account's administrator agrees in a
// template message, then the mini program's administrator; only the list tells when. An invitation
// that is out already is [ErrPending], a link that is there [ErrAlreadyDone].
//
// The access token is the Official Account's authorizer_access_token. An empty one is none, here as in
// every call: the client gets one for its account, see [WithAccount].
func (c *Client) LinkMiniProgram(ctx context.Context, accessToken, appID string, notify Notify, profile Profile) (Result, error) {
	return c.call(ctx, accessToken, appID, func(client *C.wx_client, token, id *C.char, result **C.wx_result) C.int32_t {
		return C.wx_link_miniprogram(client, token, id, C.int32_t(notify), C.int32_t(profile), result)
	})
}

// Linked lists the mini programs that are linked to an Official Account, and those on their way
// (WeChat's getLinkMiniprogram). Reading changes nothing: it is safe to call again after any error.
func (c *Client) Linked(ctx context.Context, accessToken string) (List, error) {
	r, err := c.call(ctx, accessToken, "", func(client *C.wx_client, token, _ *C.char, result **C.wx_result) C.int32_t {
		return C.wx_get_linked(client, token, result)
	})
	if err != nil {
		return List{Result: r}, err
	}
	return readList(r)
}

// UnlinkMiniProgram asks to unlink a mini program (WeChat's unlinkMiniprogram). It posts once: it is
// repeated by itself only if nothing was sent.
//
// No error means that the Official Account's administrator has been asked; the mini program stays in
// the list until they agree. If they had been asked already, that is [ErrPending].
func (c *Client) UnlinkMiniProgram(ctx context.Context, accessToken, appID string) (Result, error) {
	return c.call(ctx, accessToken, appID, func(client *C.wx_client, token, id *C.char, result **C.wx_result) C.int32_t {
		return C.wx_unlink_miniprogram(client, token, id, result)
	})
}

// EnsureLinked sees to it that a mini program is linked to an Official Account. It is safe to
// repeat, whatever became of an earlier call.
//
// It asks the list, posts a link if that shows no trace of the mini program, and waits up to wait
// for the administrators (0: not at all). The call ends within the client's time limit and wait
// together, or with its context.
//
// No error means that it is linked. [ErrPending]: an invitation is out. [ErrDeclined]: the mini
// program's administrator refused. [ErrVanished]: it was in the list and is there no more. The
// progress tells how far it came, with an error too: after [ErrToken] call again with another token.
// Of a call that its context or the time limit ended, the error's text says what it did before:
// whether an invitation was posted and is awaiting an administrator, or has an unknown outcome.
func (c *Client) EnsureLinked(ctx context.Context, accessToken, appID string, notify Notify, profile Profile, wait time.Duration) (Progress, error) {
	ms := waitMilliseconds(wait)
	return c.progress(ctx, accessToken, appID, func(client *C.wx_client, token, id *C.char, result **C.wx_result) C.int32_t {
		return C.wx_ensure_linked(client, token, id, C.int32_t(notify), C.int32_t(profile), ms, result)
	})
}

// WaitLinked waits up to wait until a mini program is linked, or will not be; 0 looks once. It posts
// nothing. The id is the mini program's appid or original id (gh_...). A refused item has no appid:
// by that alone, a refusal from before this call looks vanished.
//
// Errors are those of [Client.EnsureLinked].
func (c *Client) WaitLinked(ctx context.Context, accessToken, id string, wait time.Duration) (Progress, error) {
	ms := waitMilliseconds(wait)
	return c.progress(ctx, accessToken, id, func(client *C.wx_client, token, id *C.char, result **C.wx_result) C.int32_t {
		return C.wx_wait_linked(client, token, id, ms, result)
	})
}

// waitMilliseconds is a wait as the library takes it: rounded up, at most 49 days.
func waitMilliseconds(wait time.Duration) C.uint32_t {
	ms := (max(wait, 0) + time.Millisecond - 1) / time.Millisecond
	return C.uint32_t(min(ms, math.MaxUint32))
}

// Version is that of the library that is loaded, such as "1.2.3".
func Version() string { return C.GoString(C.wx_version()) }
