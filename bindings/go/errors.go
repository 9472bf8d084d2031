package wxlink

// #include <wxlink.h>
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// The kinds of errors, for [errors.Is]. An error may be of several kinds.
var (
	// What WeChat may have seen. An error is one of these two unless WeChat answered.

	// ErrNotSent: nothing was sent. It is safe to call again.
	ErrNotSent = errors.New("wxlink: nothing was sent")
	// ErrOutcomeUnknown: the request was sent and no valid answer came back. Read the list before
	// calling again; a call that only reads may be repeated.
	ErrOutcomeUnknown = errors.New("wxlink: the outcome is unknown")

	// What to do about WeChat's answer.

	// ErrAlreadyDone: the mini program is already linked.
	ErrAlreadyDone = errors.New("wxlink: already done")
	// ErrPending: an invitation, or a request to unlink, is already out. Wait for the
	// administrators; do not call again.
	ErrPending = errors.New("wxlink: an administrator has already been asked")
	// ErrToken: get another access token and call again, once.
	ErrToken = errors.New("wxlink: another access token is needed")
	// ErrBusy: wait a little and call again.
	ErrBusy = errors.New("wxlink: WeChat is busy")
	// ErrQuota: call again when the minute, day or month is over.
	ErrQuota = errors.New("wxlink: a quota is used up")
	// ErrActionRequired: an administrator or operator must act first.
	ErrActionRequired = errors.New("wxlink: an administrator or operator must act first")
	// ErrInvalidRequest: correct the call.
	ErrInvalidRequest = errors.New("wxlink: WeChat refuses the request as invalid")
	// ErrTicket: call [Client.SetTicket] with the component_verify_ticket that WeChat pushes, then
	// call again. Nothing was sent, because there is no access token without a valid ticket.
	ErrTicket = errors.New("wxlink: a valid component_verify_ticket is needed")

	// Other kinds.

	// ErrArgument: an argument or option is invalid. Nothing was sent.
	ErrArgument = errors.New("wxlink: invalid argument")
	// ErrTimeout: the time limit or the context's deadline was reached.
	ErrTimeout = errors.New("wxlink: timed out")
	// ErrClosed: the client was closed before the call started.
	ErrClosed = errors.New("wxlink: the client is closed")
)

// An Error is returned by every function of this package that fails. It has the result of the call.
// Get it with [errors.As], or use [errors.Is] with the values above, [context.Canceled] and
// [context.DeadlineExceeded].
type Error struct {
	Result
	// Progress is the state that EnsureLinked or WaitLinked knew when it failed; nil for other
	// calls.
	Progress *Progress
	causes   []error
}

// Error returns the message, and the context's error if that ended the call.
func (e *Error) Error() string {
	if len(e.causes) > 0 && e.causes[0] != ErrClosed {
		return fmt.Sprintf("%s (%v)", e.Message, e.causes[0])
	}
	return e.Message
}

// GoString omits the answer's JSON, since it is WeChat's and may contain anything.
func (e *Error) GoString() string {
	return fmt.Sprintf("&wxlink.Error{Status:%v, Errcode:%d, Class:%q, RID:%q, Message:%q}",
		e.Status, e.Errcode, e.Class, e.RID, e.Message)
}

// Is reports whether the error is of a kind of this package, for [errors.Is].
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotSent:
		return e.Delivery == NeverSent
	case ErrOutcomeUnknown:
		return e.Delivery == OutcomeUnknown || -69 <= e.Status && e.Status <= -40
	case ErrAlreadyDone:
		return e.Class == ClassOK
	case ErrPending:
		return e.Class == ClassPending
	case ErrToken:
		return e.Class == ClassToken
	case ErrBusy:
		return e.Class == ClassBusy
	case ErrQuota:
		return e.Class == ClassQuota
	case ErrActionRequired:
		return e.Class == ClassActionRequired
	case ErrInvalidRequest:
		return e.Class == ClassInvalidRequest
	case ErrTicket:
		return e.Class == ClassTicket
	case ErrArgument:
		return -19 <= e.Status && e.Status <= -1
	case ErrTimeout:
		return e.Timeout()
	}
	return false
}

// Unwrap returns the causes outside of the library: the context's error and its cause.
func (e *Error) Unwrap() []error { return e.causes }

// Timeout reports whether the time limit or the context's deadline was reached.
func (e *Error) Timeout() bool {
	return e.Status == StatusTimeout || e.Status == StatusTimeoutUnsent ||
		len(e.causes) > 0 && e.causes[0] == context.DeadlineExceeded
}

func (e *Error) result() (Result, error) { return e.Result, e }

// setMessage sets the message, and the JSON that contains it.
func (e *Error) setMessage(message string) {
	e.Message = message
	e.JSON, _ = json.Marshal(struct {
		Errcode Status `json:"errcode"`
		Errmsg  string `json:"errmsg"`
	}{e.Status, message})
}

func (e *Error) endedBy(ctx context.Context) {
	if err := ctx.Err(); err != nil {
		e.causes = []error{err}
		if cause := context.Cause(ctx); cause != err {
			e.causes = append(e.causes, cause)
		}
	}
}

// refused makes the error of a call that this package did not pass to the library.
func refused(status Status, what string) *Error {
	message := status.text()
	if name, remedy, ok := strings.Cut(message, ": "); ok && what != "" {
		message = fmt.Sprintf("%s: %s. %s", name, what, remedy)
	}
	e := &Error{Result: Result{Status: status}}
	e.setMessage(message)
	return e
}

func closed() *Error {
	e := &Error{Result: Result{Status: StatusCancelled}, causes: []error{ErrClosed}}
	e.setMessage("CANCELLED: the client is closed; nothing was sent. Make a client with New.")
	return e
}

// ended makes the error of a call whose context ended before the call started.
func ended(ctx context.Context) *Error {
	e := &Error{Result: Result{Status: StatusCancelled}}
	e.setMessage("CANCELLED: the context ended before anything was sent. It is safe to call again.")
	e.endedBy(ctx)
	return e
}

// unstored makes the error of a SetTicket or AddAccount that its context ended.
func unstored(ctx context.Context) *Error {
	e := &Error{Result: Result{Status: StatusCancelled}}
	e.setMessage("CANCELLED: the context ended before the store confirmed. It may have been " +
		"stored; it is safe to call again.")
	e.endedBy(ctx)
	return e
}

// A Status is how a call ended. The numbers are grouped by what the caller may do next: -1 to -19
// an argument is invalid, -20 to -39 nothing was sent, -40 to -69 the outcome is unknown. Treat a
// status you do not know like its group.
type Status int32

// String returns the name of the status, such as TIMEOUT.
func (s Status) String() string {
	if name, _, ok := strings.Cut(s.text(), ":"); ok {
		return name
	}
	return fmt.Sprintf("Status(%d)", int32(s))
}

// text returns the name, the meaning and the remedy; empty for an unknown number.
func (s Status) text() string { return C.GoString(C.wx_status_text(C.int32_t(s))) }

// A Class is what to do about WeChat's errcode. It is empty if WeChat did not answer, or answered
// an errcode that the library does not know.
type Class string

// Delivery is whether WeChat may have seen the request.
type Delivery int32
