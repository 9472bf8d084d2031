package wxlink_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"wxlink.dev/go/wxlink"
)

const (
	token   = "SANDBOX-TOKEN"
	account = "wx0a00000000000001"
	appID   = "wx0b00000000000001"
)

// examplesURL is the sandbox that the examples talk to. Its administrators agree at once.
var examplesURL string

func TestMain(m *testing.M) {
	s, err := startSandbox("--approve", "immediate")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	examplesURL = s.url
	code := m.Run()
	if err := s.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "the sandbox:", err)
		code = 1
	}
	os.Exit(code)
}

// A sandbox is the simulator of WeChat's side, as a program of its own.
type sandbox struct {
	url     string
	admin   string
	command *exec.Cmd
}

func startSandbox(args ...string) (*sandbox, error) {
	folder := os.Getenv("WXLINK_LIB_DIR")
	if folder == "" {
		folder = filepath.Join("..", "..", "target", "release")
	}
	command := exec.Command(filepath.Join(folder, "wxlink-sandbox"), append(args, "--stay")...)
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	s := &sandbox{command: command}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the sandbox did not start: %w", err)
	}
	var about struct{ HTTP, Admin string }
	if err := json.Unmarshal(line, &about); err != nil {
		return nil, err
	}
	s.url, s.admin = about.HTTP, about.Admin
	return s, nil
}

func (s *sandbox) stop() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return s.command.Wait()
}

// newSandbox starts a sandbox for one test.
func newSandbox(t *testing.T) *sandbox {
	t.Helper()
	s, err := startSandbox()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Errorf("the sandbox: %v", err)
		}
	})
	return s
}

// adminClient keeps no connections, so that tests can count their own. Whatever proxy the
// environment names, the sandbox is on this machine.
var adminClient = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true},
	Timeout:   10 * time.Second,
}

// do asks the sandbox's admin interface.
func (s *sandbox) do(t *testing.T, method, path string, body any) []byte {
	t.Helper()
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	request, err := http.NewRequest(method, s.admin+path, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := adminClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", method, path, text)
	}
	return text
}

// fault has something go wrong with each request to an endpoint.
func (s *sandbox) fault(t *testing.T, on string, fault any) {
	t.Helper()
	s.do(t, "POST", "faults", map[string]any{"endpoint": on, "always": true, "fault": fault})
}

// decide plays an administrator.
func (s *sandbox) decide(t *testing.T, by, decision string) {
	t.Helper()
	s.do(t, "POST", "approvals", map[string]string{"account": account, "appid": appID, "by": by, "decision": decision})
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
	client, err := wxlink.New(append([]wxlink.Option{wxlink.WithBaseURL(s.url)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// eventually waits until something is so, and fails if that takes more than a minute.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !so() {
		select {
		case <-ctx.Done():
			t.Fatalf("it never came about that %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
