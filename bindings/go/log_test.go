package wxlink_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"wxlink.dev/go/wxlink"
)

// loggedClient makes a platform's client that logs to the returned buffer from that level on.
func loggedClient(t *testing.T, s *sandbox, level slog.Level) (*wxlink.Client, *bytes.Buffer) {
	t.Helper()
	log := new(bytes.Buffer)
	handler := slog.NewJSONHandler(log, &slog.HandlerOptions{Level: level})
	return newClient(t, s, wxlink.WithLogger(slog.New(handler)),
		wxlink.WithComponentAppID("wx0c00000000000001"),
		wxlink.WithComponentAppSecret("SANDBOX-COMPONENT-SECRET")), log
}

func TestEachCallIsLoggedOnceWithoutSecrets(t *testing.T) {
	s := newSandbox(t)
	client, log := loggedClient(t, s, slog.LevelDebug)
	ctx := t.Context()
	if err := client.SetTicket(ctx, "SANDBOX-TICKET"); err != nil {
		t.Fatal(err)
	}
	account, err := client.Account(account)
	if err != nil {
		t.Fatal(err)
	}
	defer account.Close()
	_, _ = account.GetLinked(ctx, "")
	_, _ = client.GetLinked(ctx, token)
	_, _ = client.LinkMiniProgram(ctx, token, "wx0b000000000000e1",
		wxlink.NotifyNobody, wxlink.ShowInProfile)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, _ = client.WaitLinked(ended, token, appID, 0)
	_ = client.AddAccount(ctx, "", "SANDBOX-REFRESH-1")
	//lint:ignore SA1012 a call without a context must not end the program
	_, _ = client.GetLinked(nil, token) //nolint:staticcheck

	if text := log.String(); strings.Contains(text, "SANDBOX-") {
		t.Errorf("a secret is in the log:\n%s", text)
	}
	type record struct {
		Level, Msg, Call, Status, Class, Delivery, Rid, Message string
		Errcode                                                 int
		Duration                                                int64
		Trace                                                   struct {
			Endpoint string
			Attempts []struct{ Host, Phase string }
		}
	}
	var records []record
	for line := range strings.Lines(log.String()) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if r.Level != "DEBUG" || r.Msg != "wxlink call" {
			t.Errorf("%s", line)
		}
		records = append(records, r)
	}
	var calls []string
	for _, r := range records {
		calls = append(calls, r.Call+" "+r.Status+" "+r.Delivery)
	}
	want := []string{
		"set_ticket OK never sent", "get_linked OK answered", "get_linked OK answered",
		"link_miniprogram API answered", "wait_linked CANCELLED never sent",
		"add_account BAD_VALUE never sent",
	}
	if strings.Join(calls, "\n") != strings.Join(want, "\n") {
		t.Fatalf("%q", calls)
	}
	list, refused := records[2], records[3]
	if list.Duration <= 0 || list.Trace.Endpoint != "get" || len(list.Trace.Attempts) != 1 ||
		list.Trace.Attempts[0].Phase != "done" || list.Message != "" {
		t.Errorf("%+v", list)
	}
	if refused.Errcode != 89013 || refused.Rid == "" || refused.Message == "" {
		t.Errorf("%+v", refused)
	}
}

func TestALogAboveDebugStaysEmpty(t *testing.T) {
	s := newSandbox(t)
	client, log := loggedClient(t, s, slog.LevelInfo)
	if _, err := client.GetLinked(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if log.Len() > 0 {
		t.Error(log.String())
	}
}
