package wxlink_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxlink.dev/go/wxlink"
)

func TestTheWholeStory(t *testing.T) {
	s := newSandbox(t)
	client := newClient(t, s)
	ctx := t.Context()

	result, err := client.LinkMiniProgram(ctx, token, appID,
		wxlink.NotifyNobody, wxlink.ShowInProfile)
	if err != nil {
		t.Fatal(err)
	}
	if result.Status != wxlink.StatusOK || result.Class != wxlink.ClassOK ||
		result.Delivery != wxlink.Answered || result.HTTPStatus != 200 {
		t.Errorf("a yes: %+v", result)
	}
	if !strings.HasPrefix(string(result.JSON), `{"errcode":0`) || !json.Valid(result.Trace) {
		t.Errorf("a yes: %s, %s", result.JSON, result.Trace)
	}

	_, err = client.LinkMiniProgram(ctx, token, appID, wxlink.NotifyNobody, wxlink.ShowInProfile)
	var failure *wxlink.Error
	if !errors.Is(err, wxlink.ErrPending) || !errors.As(err, &failure) || failure.Errcode != 89010 {
		t.Errorf("linked twice: %v", err)
	}

	progress, err := client.EnsureLinked(ctx, token, appID,
		wxlink.NotifyNobody, wxlink.ShowInProfile, 0)
	if err != nil {
		t.Error(err)
	}
	if progress.Status != wxlink.StatusPending || progress.Class != wxlink.ClassPending ||
		progress.Message == "" {
		t.Errorf("before an administrator agreed: %+v", progress.Result)
	}
	if progress.State != wxlink.StatePending ||
		progress.WaitsFor != wxlink.OfficialAccountAdministrator ||
		progress.Found != wxlink.StatePending || progress.Posts != 0 ||
		progress.Item.AppID != appID {
		t.Errorf("before an administrator agreed: %+v", progress)
	}

	s.decide(t, "official_account", "agree")
	progress, err = client.WaitLinked(ctx, token, "gh_000000000001", 0)
	if err != nil || progress.State != wxlink.StatePending ||
		progress.WaitsFor != wxlink.MiniProgramAdministrator {
		t.Errorf("after one agreed: %v, %+v", err, progress)
	}

	s.decide(t, "mini_program", "agree")
	if progress, err = client.WaitLinked(ctx, token, appID, time.Minute); err != nil ||
		progress.State != wxlink.StateLinked {
		t.Errorf("after both agreed: %v, %+v", err, progress)
	}

	list, err := client.GetLinked(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	item := list.Find(appID)
	if item == nil || item != list.Find("gh_000000000001") || list.Find("") != nil {
		t.Fatalf("the list: %s", list.JSON)
	}
	if item.Status != wxlink.Linked || item.Nickname != "示例小程序1" || item.Released != 1 ||
		item.FuncInfos[1].Name != "微信支付" {
		t.Errorf("the item: %+v", item)
	}

	if _, err := client.UnlinkMiniProgram(ctx, token, appID); err != nil {
		t.Error(err)
	}
	if _, err := client.UnlinkMiniProgram(ctx, token, appID); !errors.Is(err, wxlink.ErrPending) {
		t.Errorf("unlinked twice: %v", err)
	}
	if n := s.received(t, "link"); n != 2 {
		t.Errorf("%d links were posted, not 2", n)
	}
}

// kinds are all the values for errors.Is.
var kinds = []error{
	wxlink.ErrNotSent, wxlink.ErrOutcomeUnknown, wxlink.ErrAlreadyDone, wxlink.ErrPending,
	wxlink.ErrToken, wxlink.ErrBusy, wxlink.ErrQuota, wxlink.ErrActionRequired,
	wxlink.ErrInvalidRequest, wxlink.ErrTicket, wxlink.ErrArgument, wxlink.ErrTimeout,
	wxlink.ErrClosed, context.Canceled, context.DeadlineExceeded,
}

// expectKinds checks that an error is of these kinds and no others.
func expectKinds(t *testing.T, err error, wanted ...error) {
	t.Helper()
	for _, kind := range kinds {
		if got := errors.Is(err, kind); got != slices.Contains(wanted, kind) {
			t.Errorf("errors.Is(err, %q) is %v; the error: %v", kind, got, err)
		}
	}
}

func TestErrorsHaveTheirKinds(t *testing.T) {
	errcode := func(code int) any { return map[string]any{"errcode": map[string]any{"code": code}} }
	for _, c := range []struct {
		name         string
		token, appID string
		fault        any
		status       wxlink.Status
		errcode      int
		kinds        []error
	}{
		{"expired token", "SANDBOX-EXPIRED", appID, nil, wxlink.StatusAPI, 42001,
			[]error{wxlink.ErrToken}},
		{"busy", token, appID, errcode(-1), wxlink.StatusAPI, -1, []error{wxlink.ErrBusy}},
		{"quota", token, appID, errcode(89007), wxlink.StatusAPI, 89007, []error{wxlink.ErrQuota}},
		{"action_required", token, "wx0b000000000000e3", nil, wxlink.StatusAPI, 89245,
			[]error{wxlink.ErrActionRequired}},
		{"invalid_request", token, "nonsense", nil, wxlink.StatusAPI, 40013,
			[]error{wxlink.ErrInvalidRequest}},
		{"already linked", token, appID, errcode(89015), wxlink.StatusAPI, 89015,
			[]error{wxlink.ErrAlreadyDone}},
		{"undescribed", token, appID, errcode(123456), wxlink.StatusAPI, 123456, nil},
		{"lost", token, appID, map[string]any{"drop": "reset"}, wxlink.StatusConnectionLost, 0,
			[]error{wxlink.ErrOutcomeUnknown}},
		{"garbled", token, appID, "garbage", wxlink.StatusBadAnswer, 0,
			[]error{wxlink.ErrOutcomeUnknown}},
		{"no token", "", appID, nil, wxlink.StatusBadValue, 0,
			[]error{wxlink.ErrArgument, wxlink.ErrNotSent}},
		{"half a character", "\xe4\xb8", appID, nil, wxlink.StatusNotUTF8, 0,
			[]error{wxlink.ErrArgument, wxlink.ErrNotSent}},
		{"NUL in the token", "a\x00b", appID, nil, wxlink.StatusBadValue, 0,
			[]error{wxlink.ErrArgument, wxlink.ErrNotSent}},
		{"NUL in the appid", token, appID + "\x00", nil, wxlink.StatusBadValue, 0,
			[]error{wxlink.ErrArgument, wxlink.ErrNotSent}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSandbox(t)
			if c.fault != nil {
				s.fault(t, "link", c.fault)
			}
			result, err := newClient(t, s).LinkMiniProgram(t.Context(), c.token, c.appID,
				wxlink.NotifyNobody, wxlink.ShowInProfile)
			var failure *wxlink.Error
			if !errors.As(err, &failure) {
				t.Fatal(err)
			}
			if failure.Status != c.status || failure.Errcode != c.errcode ||
				failure.Message == "" || !json.Valid(failure.JSON) {
				t.Errorf("%#v", failure)
			}
			if result.Status != c.status || string(result.JSON) != string(failure.JSON) {
				t.Errorf("the result beside the error: %+v", result)
			}
			answered := c.status == wxlink.StatusAPI
			if answered != (failure.Delivery == wxlink.Answered) ||
				answered != (failure.RID != "") {
				t.Errorf("delivery %v, rid %q", failure.Delivery, failure.RID)
			}
			expectKinds(t, err, c.kinds...)
			if errors.Is(err, wxlink.ErrArgument) && s.received(t, "link") != 0 {
				t.Error("it was sent")
			}
		})
	}
}

func TestNoConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	listener.Close()
	client, err := wxlink.New(wxlink.WithBaseURL(url), wxlink.WithMaxRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	_, err = client.LinkMiniProgram(t.Context(), token, appID,
		wxlink.NotifyNobody, wxlink.HideInProfile)
	expectKinds(t, err, wxlink.ErrNotSent)
	progress, err := client.WaitLinked(t.Context(), token, appID, 0)
	expectKinds(t, err, wxlink.ErrNotSent)
	if progress.State != wxlink.StateUnknown || progress.Item != nil {
		t.Errorf("%+v", progress)
	}
}

func TestDeclinedAndVanishedAreStates(t *testing.T) {
	s := newSandbox(t)
	client := newClient(t, s)
	expect := func(status wxlink.Status, state wxlink.State) {
		t.Helper()
		progress, err := client.WaitLinked(t.Context(), token, "gh_000000000001", 0)
		if err != nil {
			t.Fatal(err)
		}
		if progress.Status != status || progress.State != state ||
			progress.Class != wxlink.ClassActionRequired {
			t.Errorf("%v %v %v", progress.Status, progress.State, progress.Class)
		}
		if progress.Message == "" {
			t.Errorf("%v has no message", state)
		}
	}
	expect(wxlink.StatusVanished, wxlink.StateVanished)
	if _, err := client.LinkMiniProgram(t.Context(), token, appID,
		wxlink.NotifyNobody, wxlink.ShowInProfile); err != nil {
		t.Fatal(err)
	}
	s.decide(t, "official_account", "agree")
	s.decide(t, "mini_program", "refuse")
	expect(wxlink.StatusDeclined, wxlink.StateDeclined)
}

func TestTheLibraryChecksFlags(t *testing.T) {
	client := newClient(t, newSandbox(t))
	for _, call := range []func() error{
		func() error {
			_, err := client.LinkMiniProgram(t.Context(), token, appID, 2, wxlink.ShowInProfile)
			return err
		},
		func() error {
			_, err := client.EnsureLinked(t.Context(), token, appID, wxlink.NotifyNobody, -1, 0)
			return err
		},
	} {
		err := call()
		expectKinds(t, err, wxlink.ErrArgument, wxlink.ErrNotSent)
		if !strings.Contains(err.Error(), "must be 0 or 1") {
			t.Error(err)
		}
	}
}

// cause is the caller's reason for ending a context.
var cause = errors.New("the customer hung up")

func TestCancelEndsACall(t *testing.T) {
	for _, c := range []struct {
		name string
		on   string // the endpoint that never answers, and is asked
		call func(context.Context, *wxlink.Client) error
	}{
		{"link", "link", func(ctx context.Context, client *wxlink.Client) error {
			_, err := client.LinkMiniProgram(ctx, token, appID,
				wxlink.NotifyNobody, wxlink.ShowInProfile)
			return err
		}},
		{"list", "get", func(ctx context.Context, client *wxlink.Client) error {
			_, err := client.GetLinked(ctx, token)
			return err
		}},
		{"unlink", "unlink", func(ctx context.Context, client *wxlink.Client) error {
			_, err := client.UnlinkMiniProgram(ctx, token, appID)
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSandbox(t)
			s.fault(t, c.on, "hang")
			client := newClient(t, s)
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- c.call(ctx, client) }()
			eventually(t, "the request arrives", func() bool { return s.received(t, c.on) == 1 })
			cancel(cause)
			err := within(t, time.Second, ended)
			expectKinds(t, err, context.Canceled, wxlink.ErrOutcomeUnknown)
			if !errors.Is(err, cause) {
				t.Errorf("the cause is lost: %v", err)
			}
		})
	}
}

func TestCancelEndsAWait(t *testing.T) {
	s := newSandbox(t)
	client := newClient(t, s)
	type outcome struct {
		progress wxlink.Progress
		err      error
	}
	for name, call := range map[string]func(context.Context) (wxlink.Progress, error){
		"ensure": func(ctx context.Context) (wxlink.Progress, error) {
			return client.EnsureLinked(ctx, token, appID,
				wxlink.NotifyNobody, wxlink.ShowInProfile, time.Hour)
		},
		"wait": func(ctx context.Context) (wxlink.Progress, error) {
			// Without an invitation WaitLinked would return immediately.
			if _, err := client.EnsureLinked(ctx, token, appID,
				wxlink.NotifyNobody, wxlink.ShowInProfile, 0); err != nil {
				return wxlink.Progress{}, err
			}
			return client.WaitLinked(ctx, token, appID, time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s.do(t, "POST", "reset", nil)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan outcome, 1)
			go func() {
				progress, err := call(ctx)
				ended <- outcome{progress, err}
			}()
			// The third read of the list comes after the first pause: from then on it waits.
			eventually(t, "it waits", func() bool { return s.received(t, "get") >= 3 })
			cancel()
			o := within(t, time.Second, ended)
			if !errors.Is(o.err, context.Canceled) || errors.Is(o.err, context.DeadlineExceeded) {
				t.Errorf("the error: %v", o.err)
			}
			if o.progress.State != wxlink.StatePending || o.progress.Item == nil {
				t.Errorf("the state so far: %s", o.progress.JSON)
			}
		})
	}
}

func TestDeadlineEndsACall(t *testing.T) {
	s := newSandbox(t)
	s.fault(t, "*", "hang")
	client := newClient(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := client.LinkMiniProgram(ctx, token, appID, wxlink.NotifyNobody, wxlink.ShowInProfile)
	if took := time.Since(began); took < 100*time.Millisecond || took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	expectKinds(t, err, context.DeadlineExceeded, wxlink.ErrTimeout, wxlink.ErrOutcomeUnknown)
	var timeout interface{ Timeout() bool } // as in package net
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("Timeout is false: %v", err)
	}
}

func TestTheClientsTimeLimitIsNoDeadline(t *testing.T) {
	s := newSandbox(t)
	s.fault(t, "*", "hang")
	client := newClient(t, s, wxlink.WithTimeout(100*time.Millisecond))
	long, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	for _, ctx := range []context.Context{context.Background(), long} {
		_, err := client.LinkMiniProgram(ctx, token, appID,
			wxlink.NotifyNobody, wxlink.ShowInProfile)
		expectKinds(t, err, wxlink.ErrTimeout, wxlink.ErrOutcomeUnknown)
	}
}

func TestAContextThatHasEndedSendsNothing(t *testing.T) {
	s := newSandbox(t)
	client := newClient(t, s)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.GetLinked(cancelled, token)
	expectKinds(t, err, context.Canceled, wxlink.ErrNotSent)
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	_, err = client.GetLinked(late, token)
	expectKinds(t, err, context.DeadlineExceeded, wxlink.ErrTimeout, wxlink.ErrNotSent)
	if n := s.received(t, "get"); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestGoroutinesShareAClient(t *testing.T) {
	s := newSandbox(t)
	client := newClient(t, s)
	const goroutines, calls = 64, 25
	var all sync.WaitGroup
	for i := range goroutines {
		all.Add(1)
		go func() {
			defer all.Done()
			ctx := t.Context()
			if i%2 == 0 {
				ctx = context.Background() // uses the client's own handle
			}
			for range calls {
				if list, err := client.GetLinked(ctx, "SANDBOX-TOKEN-3"); err != nil ||
					len(list.Items) < 5 {
					t.Errorf("%d items, %v", len(list.Items), err)
				}
			}
		}()
	}
	all.Wait()
	if n := s.received(t, "get"); n != goroutines*calls {
		t.Errorf("%d requests arrived, not %d", n, goroutines*calls)
	}
}

func TestCallsAreBounded(t *testing.T) {
	s := newSandbox(t)
	s.fault(t, "get", "hang")
	client := newClient(t, s, wxlink.WithMaxConcurrent(2))
	ctx, cancel := context.WithCancel(t.Context())
	running := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := client.GetLinked(ctx, token)
			running <- err
		}()
	}
	eventually(t, "two calls run", func() bool { return s.received(t, "get") == 2 })

	short, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	_, err := client.LinkMiniProgram(short, token, appID, wxlink.NotifyNobody, wxlink.ShowInProfile)
	expectKinds(t, err, context.DeadlineExceeded, wxlink.ErrTimeout, wxlink.ErrNotSent)
	if n := s.received(t, "link"); n != 0 {
		t.Error("the third call did not wait for its turn")
	}

	cancel()
	for range 2 {
		expectKinds(t, within(t, time.Second, running), context.Canceled, wxlink.ErrOutcomeUnknown)
	}
	if _, err := client.LinkMiniProgram(t.Context(), token, appID,
		wxlink.NotifyNobody, wxlink.ShowInProfile); err != nil {
		t.Errorf("with the places free again: %v", err)
	}
}

func TestUseAfterClose(t *testing.T) {
	client := newClient(t, newSandbox(t))
	client.Close()
	client.Close()
	_, err := client.GetLinked(t.Context(), token)
	expectKinds(t, err, wxlink.ErrClosed, wxlink.ErrNotSent)
	if !strings.Contains(err.Error(), "the client is closed") {
		t.Error(err)
	}
}

func TestCloseWaitsForRunningCalls(t *testing.T) {
	s := newSandbox(t)
	s.fault(t, "get", "hang")
	client := newClient(t, s, wxlink.WithMaxConcurrent(1))
	ctx, cancel := context.WithCancel(t.Context())
	running, waiting, closed := make(chan error, 1), make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := client.GetLinked(ctx, token)
		running <- err
	}()
	eventually(t, "a call runs", func() bool { return s.received(t, "get") == 1 })
	go func() {
		_, err := client.GetLinked(context.Background(), token)
		waiting <- err
	}()
	go func() { closed <- client.Close() }()

	// The waiting call returns an error, while the running one is not ended.
	expectKinds(t, within(t, time.Second, waiting), wxlink.ErrClosed, wxlink.ErrNotSent)
	select {
	case <-closed:
		t.Error("Close did not wait")
	case <-running:
		t.Error("Close ended a call")
	default:
	}
	cancel()
	expectKinds(t, within(t, time.Second, running), context.Canceled, wxlink.ErrOutcomeUnknown)
	if err := within(t, time.Second, closed); err != nil {
		t.Error(err)
	}
}

func TestSecretsStayOut(t *testing.T) {
	const secret = "S3CRET"
	s := newSandbox(t)
	client := newClient(t, s, wxlink.WithProxy("none"))
	var errs []error
	for _, token := range []string{secret, secret + "\n", secret + "\x00", secret + "\xff",
		strings.Repeat(secret, 1000)} {
		_, err := client.LinkMiniProgram(t.Context(), token, appID,
			wxlink.NotifyNobody, wxlink.ShowInProfile)
		_, err2 := client.WaitLinked(t.Context(), token, appID, 0)
		errs = append(errs, err, err2)
	}
	body := map[string]any{"text": `{"errcode":40001,"errmsg":"invalid S3CRET"}`}
	s.fault(t, "*", map[string]any{"body": body})
	_, err := client.GetLinked(t.Context(), secret)
	errs = append(errs, err)
	for _, proxy := range []string{"http://me:S3CRET@ho st:1", "http://me:S3CRET\x00@host:1",
		"ftp://me:S3CRET@host:1"} {
		_, err := wxlink.New(wxlink.WithProxy(proxy))
		errs = append(errs, err)
	}
	for _, err := range errs {
		var failure *wxlink.Error
		if !errors.As(err, &failure) {
			t.Fatalf("no error: %v", err)
		}
		if strings.Contains(string(failure.Trace), secret) {
			t.Errorf("the trace: %s", failure.Trace)
		}
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			for _, value := range []any{err, failure, fmt.Errorf("outer: %w", err), client} {
				if text := fmt.Sprintf(format, value); strings.Contains(text, secret) {
					t.Errorf("%s: %s", format, text)
				}
			}
		}
	}
}

// within receives from a channel within a time limit.
func within[T any](t *testing.T, limit time.Duration, from <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(limit):
		t.Fatalf("nothing was received within %v", limit)
	}
	return value
}

func TestAPlatformGetsItsTokens(t *testing.T) {
	client := newClient(t, newSandbox(t), wxlink.WithAccount("wx0a00000000000001"),
		wxlink.WithComponentAppID("wx0c00000000000001"),
		wxlink.WithComponentAppSecret("SANDBOX-COMPONENT-SECRET"))
	ctx := t.Context()
	var failed *wxlink.Error
	if _, err := client.GetLinked(ctx, ""); !errors.As(err, &failed) ||
		failed.Status != wxlink.StatusNoToken {
		t.Errorf("without a ticket: %v", err)
	}
	if err := client.SetTicket(ctx, "a\x00b"); !errors.As(err, &failed) ||
		failed.Status != wxlink.StatusBadValue {
		t.Errorf("a NUL in a ticket: %v", err)
	}
	if err := client.SetTicket(ctx, ""); !errors.As(err, &failed) ||
		failed.Status != wxlink.StatusBadValue {
		t.Errorf("an empty ticket: %v", err)
	}
	if err := client.SetTicket(ctx, "REFUSED-TICKET"); err != nil {
		t.Fatal(err)
	}
	_, err := client.GetLinked(ctx, "")
	expectKinds(t, err, wxlink.ErrTicket, wxlink.ErrNotSent)
	if err := client.SetTicket(ctx, "SANDBOX-TICKET"); err != nil {
		t.Fatal(err)
	}
	if err := client.AddAccount(ctx, "wx0a00000000000001", "SANDBOX-REFRESH-1"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetLinked(ctx, ""); err != nil {
		t.Error(err)
	}
	other, err := client.Account("wx0a00000000000002")
	if err != nil {
		t.Fatal(err)
	}
	without, err := other.Account("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Account("a\x00b"); !errors.As(err, &failed) ||
		failed.Status != wxlink.StatusBadOption {
		t.Errorf("a NUL in an account: %v", err)
	}
	client.Close()
	if err := client.SetTicket(ctx, "t"); !errors.Is(err, wxlink.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := client.Account("wx0a00000000000002"); !errors.Is(err, wxlink.ErrClosed) {
		t.Errorf("an account after Close: %v", err)
	}

	// Clients that were made before can still be used.
	before, err := other.GetLinked(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.LinkMiniProgram(ctx, "", "wx0b00000000000003",
		wxlink.NotifyNobody, wxlink.ShowInProfile); err != nil {
		t.Error(err)
	}
	if after, err := other.GetLinked(ctx, ""); err != nil ||
		len(after.Items) != len(before.Items)+1 {
		t.Errorf("%d items, then %d: %v", len(before.Items), len(after.Items), err)
	}
	if _, err := without.GetLinked(ctx, ""); !errors.As(err, &failed) ||
		failed.Status != wxlink.StatusBadValue {
		t.Errorf("for no account: %v", err)
	}
	without.Close()
	other.Close()
}

func TestWithoutASourceAnEmptyTokenIsAnError(t *testing.T) {
	client := newClient(t, newSandbox(t))
	var failed *wxlink.Error
	if _, err := client.GetLinked(t.Context(), ""); !errors.As(err, &failed) ||
		failed.Status != wxlink.StatusBadValue {
		t.Errorf("without a token: %v", err)
	}
}

// methods are all methods that take a context.
var methods = map[string]func(*wxlink.Client, context.Context) error{
	"LinkMiniProgram": func(c *wxlink.Client, ctx context.Context) error {
		_, err := c.LinkMiniProgram(ctx, token, appID, wxlink.NotifyNobody, wxlink.ShowInProfile)
		return err
	},
	"GetLinked": func(c *wxlink.Client, ctx context.Context) error {
		_, err := c.GetLinked(ctx, token)
		return err
	},
	"UnlinkMiniProgram": func(c *wxlink.Client, ctx context.Context) error {
		_, err := c.UnlinkMiniProgram(ctx, token, appID)
		return err
	},
	"EnsureLinked": func(c *wxlink.Client, ctx context.Context) error {
		_, err := c.EnsureLinked(ctx, token, appID,
			wxlink.NotifyNobody, wxlink.ShowInProfile, time.Minute)
		return err
	},
	"WaitLinked": func(c *wxlink.Client, ctx context.Context) error {
		_, err := c.WaitLinked(ctx, token, appID, time.Minute)
		return err
	},
	"SetTicket": func(c *wxlink.Client, ctx context.Context) error {
		return c.SetTicket(ctx, "TICKET")
	},
	"AddAccount": func(c *wxlink.Client, ctx context.Context) error {
		return c.AddAccount(ctx, account, "REFRESH")
	},
	"AcceptPush": func(c *wxlink.Client, ctx context.Context) error {
		_, err := c.AcceptPush(ctx, "", []byte("<xml/>"))
		return err
	},
	"AuthorizationURL": func(c *wxlink.Client, ctx context.Context) error {
		_, err := c.AuthorizationURL(ctx, "https://shop.example/", "")
		return err
	},
	"AcceptAuthorization": func(c *wxlink.Client, ctx context.Context) error {
		_, err := c.AcceptAuthorization(ctx, "CODE")
		return err
	},
	"AccountInfo": func(c *wxlink.Client, ctx context.Context) error {
		_, err := c.AccountInfo(ctx, account)
		return err
	},
}

func TestEveryMethodIsTested(t *testing.T) {
	client := reflect.TypeFor[*wxlink.Client]()
	for i := range client.NumMethod() {
		method := client.Method(i)
		takesOne := method.Type.NumIn() > 1 &&
			method.Type.In(1) == reflect.TypeFor[context.Context]()
		if (methods[method.Name] != nil) != takesOne {
			t.Error(method.Name)
		}
	}
}

// closes checks that Close returns.
func closes(t *testing.T, client *wxlink.Client) {
	t.Helper()
	closed := make(chan error, 1)
	go func() { closed <- client.Close() }()
	if err := within(t, time.Minute, closed); err != nil {
		t.Error(err)
	}
}

func TestANilContextIsAnError(t *testing.T) {
	s := newSandbox(t)
	for name, call := range methods {
		t.Run(name, func(t *testing.T) {
			client := newClient(t, s)
			err := call(client, nil)
			expectKinds(t, err, wxlink.ErrArgument, wxlink.ErrNotSent)
			if !strings.Contains(err.Error(), "the context is nil") {
				t.Error(err)
			}
			closes(t, client)
		})
	}
}

func TestAClientThatNewDidNotMakeIsAnError(t *testing.T) {
	for _, client := range []*wxlink.Client{nil, {}} {
		for name, call := range methods {
			if err := call(client, t.Context()); !errors.Is(err, wxlink.ErrArgument) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := client.Account(account); !errors.Is(err, wxlink.ErrArgument) {
			t.Error(err)
		}
		closes(t, client)
	}
	if _, err := wxlink.New(nil); !errors.Is(err, wxlink.ErrArgument) {
		t.Error(err)
	}
}

// A brokenContext panics in one of its methods after a number of calls.
type brokenContext struct {
	context.Context
	method string
	after  *atomic.Int32
}

func (c brokenContext) broken(method string) {
	if method == c.method && c.after.Add(-1) < 0 {
		panic("broken " + method)
	}
}

func (c brokenContext) Deadline() (time.Time, bool) {
	c.broken("Deadline")
	return c.Context.Deadline()
}
func (c brokenContext) Done() <-chan struct{} { c.broken("Done"); return c.Context.Done() }
func (c brokenContext) Err() error            { c.broken("Err"); return c.Context.Err() }
func (c brokenContext) Value(key any) any     { c.broken("Value"); return c.Context.Value(key) }

func TestAPanicInAContextDoesNotBlockClose(t *testing.T) {
	s := newSandbox(t)
	panics := 0
	for name, call := range methods {
		if name == "WaitLinked" || name == "EnsureLinked" {
			continue // These would wait, and run as the others do.
		}
		for _, method := range []string{"Deadline", "Done", "Err", "Value"} {
			for after := range int32(4) {
				// With one slot, a second call shows that the first one has released it.
				client := newClient(t, s, wxlink.WithMaxConcurrent(1))
				cancellable, cancel := context.WithCancel(t.Context())
				ctx := brokenContext{cancellable, method, new(atomic.Int32)}
				ctx.after.Store(after)
				func() {
					defer func() {
						if recover() != nil {
							panics++
						}
					}()
					_ = call(client, ctx)
				}()
				again, stop := context.WithTimeout(t.Context(), time.Minute)
				if _, err := client.GetLinked(again, token); err != nil {
					t.Errorf("%s, %s, %d: %v", name, method, after, err)
				}
				stop()
				closes(t, client)
				cancel()
			}
		}
	}
	if panics == 0 {
		t.Error("no context panicked")
	}
}

func TestAGoroutineThatEndsInACallDoesNotBlockClose(t *testing.T) {
	client := newClient(t, newSandbox(t))
	left := make(chan struct{})
	go func() {
		defer close(left)
		ctx := leavingContext{t.Context()}
		_, _ = client.GetLinked(ctx, token)
	}()
	within(t, time.Minute, left)
	closes(t, client)
}

// A leavingContext ends the goroutine that asks for its deadline.
type leavingContext struct{ context.Context }

func (leavingContext) Deadline() (time.Time, bool) { runtime.Goexit(); return time.Time{}, false }

func TestADeadlineReportsTheProgress(t *testing.T) {
	s := newSandbox(t)
	client := newClient(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	progress, err := client.EnsureLinked(ctx, token, appID,
		wxlink.NotifyNobody, wxlink.ShowInProfile, time.Hour)
	var failure *wxlink.Error
	if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &failure) ||
		failure.Progress == nil {
		t.Fatalf("no deadline or no progress: %v", err)
	}
	if errors.Is(err, wxlink.ErrOutcomeUnknown) || errors.Is(err, wxlink.ErrNotSent) {
		t.Errorf("WeChat has accepted the invitation: %v", err)
	}
	if p := failure.Progress; p.Posts != 1 || p.State != wxlink.StatePending ||
		p.State != progress.State {
		t.Errorf("%+v", p)
	}
	for _, part := range []string{"An invitation was posted and is awaiting",
		"context deadline exceeded"} {
		if !strings.Contains(err.Error(), part) {
			t.Error(err)
		}
	}
}

func TestACancelledEnsureReportsTheProgress(t *testing.T) {
	for _, c := range []struct {
		endpoint, text string
		posts          int
	}{
		{"link",
			"An invitation was posted and its outcome is unknown: " +
				"the next call reads the list first, " +
				"and posts nothing while this one may take effect.", 1},
		{"get", "Nothing was posted.", 0},
	} {
		s := newSandbox(t)
		s.fault(t, c.endpoint, "hang")
		client := newClient(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := client.EnsureLinked(ctx, token, appID,
				wxlink.NotifyNobody, wxlink.ShowInProfile, time.Hour)
			done <- err
		}()
		eventually(t, "the request arrives", func() bool { return s.received(t, c.endpoint) == 1 })
		cancel()
		err := within(t, time.Minute, done)
		var failure *wxlink.Error
		if !errors.Is(err, context.Canceled) || !errors.As(err, &failure) ||
			failure.Progress == nil || failure.Progress.Posts != c.posts {
			t.Fatalf("%v", err)
		}
		if !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "delivery") {
			t.Error(err)
		}
	}
}

func TestACancelledLinkReportsThatWeChatMayHaveActed(t *testing.T) {
	s := newSandbox(t)
	s.fault(t, "link", "hang")
	client := newClient(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- methods["LinkMiniProgram"](client, ctx) }()
	eventually(t, "the request arrives", func() bool { return s.received(t, "link") == 1 })
	cancel()
	err := within(t, time.Minute, done)
	expectKinds(t, err, context.Canceled, wxlink.ErrOutcomeUnknown)
	if !strings.Contains(err.Error(), "WeChat may have acted") {
		t.Error(err)
	}
}

// silentStore makes a store that accepts connections and answers nothing.
func silentStore(t *testing.T) (url string, asked <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan struct{}, 16)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { connection.Close() })
			accepted <- struct{}{}
		}
	}()
	t.Cleanup(func() { listener.Close() })
	return "redis://" + listener.Addr().String(), accepted
}

func TestStoringObeysItsContext(t *testing.T) {
	for _, name := range []string{"SetTicket", "AddAccount"} {
		url, asked := silentStore(t)
		client := newClient(t, newSandbox(t), wxlink.WithTimeout(time.Hour), wxlink.WithStore(url),
			wxlink.WithComponentAppID("wx0c00000000000001"),
			wxlink.WithComponentAppSecret("SANDBOX-COMPONENT-SECRET"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- methods[name](client, ctx) }()
		within(t, time.Minute, asked)
		cancel()
		// Far less than the time limits of the store.
		err := within(t, 5*time.Second, done)
		expectKinds(t, err, context.Canceled, wxlink.ErrNotSent)
		if !strings.Contains(err.Error(), "safe to call again") {
			t.Error(err)
		}

		late, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
		go func() { done <- methods[name](client, late) }()
		expectKinds(t, within(t, 10*time.Second, done), context.DeadlineExceeded, wxlink.ErrTimeout,
			wxlink.ErrNotSent)
		stop()
		closes(t, client)
	}
}
