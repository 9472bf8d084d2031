package wxlink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"wxlink.dev/go/wxlink"
)

const (
	token   = "SANDBOX-TOKEN"
	account = "wx0a00000000000001"
	appID   = "wx0b00000000000001"
)

// examplesURL is the simulator's address, for the examples.
var examplesURL = os.Getenv("WXLINK_BASE_URL")

const howToRun = `the tests need the WeChat simulator, and WXLINK_SANDBOX_ADMIN is not set.
Run all tests with bindings/go/test.sh, or some of them with: bindings/go/test.sh -run NAME .
`

func TestMain(m *testing.M) {
	if os.Getenv("WXLINK_SANDBOX_ADMIN") == "" {
		fmt.Fprint(os.Stderr, howToRun)
		os.Exit(1)
	}
	if err := theSandbox().prepareExamples(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// A sandbox is the WeChat simulator that tools/with_sandbox.py started. All tests share it, one
// after the other.
type sandbox struct {
	url   string
	admin string
}

func theSandbox() *sandbox {
	return &sandbox{url: os.Getenv("WXLINK_BASE_URL"), admin: os.Getenv("WXLINK_SANDBOX_ADMIN")}
}

// newSandbox resets the simulator for one test, and prepares it for the examples afterwards.
func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	s := theSandbox()
	s.do(t, "POST", "reset", nil)
	t.Cleanup(func() {
		if err := s.prepareExamples(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// prepareExamples resets the simulator and has its administrators agree at once, also to what the
// list of SANDBOX-TOKEN-3 waits for.
func (s *sandbox) prepareExamples() error {
	type object = map[string]any
	immediate := object{"when": "immediate"}
	policy := object{"official_account": immediate, "mini_program": immediate, "unlink": immediate}
	agree := func(appID, by string) object {
		return object{"account": "wx0a00000000000003", "appid": appID, "by": by,
			"decision": "agree"}
	}
	for _, request := range []struct {
		method, path string
		body         any
	}{
		{"POST", "reset", nil},
		{"PUT", "policy", policy},
		{"POST", "approvals", agree("wx0b00000000000012", "official_account")},
		{"POST", "approvals", agree("wx0b00000000000013", "mini_program")},
		{"POST", "approvals", agree("wx0b00000000000015", "official_account")},
	} {
		if _, err := s.request(request.method, request.path, request.body); err != nil {
			return err
		}
	}
	return nil
}

// adminClient keeps no connections, so that tests can count their own. The simulator is on this
// machine: a proxy in the environment does not apply.
var adminClient = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true},
	Timeout:   10 * time.Second,
}

// request sends a request to the simulator's admin interface and returns the response's body.
func (s *sandbox) request(method, path string, body any) ([]byte, error) {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequest(method, s.admin+path, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	response, err := adminClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, path, text)
	}
	return text, err
}

// do is request for a test, which fails if the request does.
func (s *sandbox) do(t *testing.T, method, path string, body any) []byte {
	t.Helper()
	text, err := s.request(method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// fault makes every request to an endpoint fail in a certain way.
func (s *sandbox) fault(t *testing.T, on string, fault any) {
	t.Helper()
	s.do(t, "POST", "faults", map[string]any{"endpoint": on, "always": true, "fault": fault})
}

// decide takes an administrator's decision.
func (s *sandbox) decide(t *testing.T, by, decision string) {
	t.Helper()
	s.do(t, "POST", "approvals", map[string]string{
		"account": account, "appid": appID, "by": by, "decision": decision,
	})
}

// received counts the requests to an endpoint.
func (s *sandbox) received(t *testing.T, on string) int {
	t.Helper()
	var counts struct{ Received map[string]int }
	if err := json.Unmarshal(s.do(t, "GET", "journal/counts", nil), &counts); err != nil {
		t.Fatal(err)
	}
	return counts.Received[on]
}

// newClient makes a client of a sandbox for one test.
func newClient(t *testing.T, s *sandbox, options ...wxlink.Option) *wxlink.Client {
	t.Helper()
	// Claims would outlive the resets of the simulator.
	options = append([]wxlink.Option{wxlink.WithBaseURL(s.url), wxlink.WithSettle(0)}, options...)
	client, err := wxlink.New(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// eventually waits until a condition holds, and fails if that takes more than a minute.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within a minute: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
