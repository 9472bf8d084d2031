package wxlink_test

import (
	"errors"
	"testing"
	"time"

	"wxlink.dev/go/wxlink"
)

func TestStats(t *testing.T) {
	s := newSandbox(t)
	before := time.Now().Truncate(time.Second)
	client := newClient(t, s)
	ctx := t.Context()
	for _, token := range []string{token, token, "wrong"} {
		_, _ = client.GetLinked(ctx, token)
	}
	s.do(t, "POST", "faults", map[string]any{
		"endpoint": "link", "fault": map[string]any{"drop": "reset"}, "when": "before"})
	progress, _ := client.EnsureLinked(
		ctx, token, appID, wxlink.NotifyNobody, wxlink.ShowInProfile, 0)
	if progress.State != wxlink.StateInDoubt {
		t.Fatalf("%+v", progress)
	}

	stats, err := client.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if stats.Since.Before(before) || stats.Since.After(time.Now()) {
		t.Error(stats.Since)
	}
	get, link := stats.Endpoints[wxlink.EndpointGet], stats.Endpoints[wxlink.EndpointLink]
	// Ensure reads the list before the post and twice after it.
	if get.Calls != 6 || get.Outcomes[wxlink.StatusOK] != 5 ||
		get.Outcomes[wxlink.StatusAPI] != 1 || len(get.Outcomes) != 2 {
		t.Errorf("%+v", get)
	}
	if link.Calls != 1 || link.DeliveryUnknown != 1 || link.Retries != 0 ||
		link.Outcomes[wxlink.StatusConnectionLost] != 1 {
		t.Errorf("%+v", link)
	}
	if stats.InDoubt != 1 || stats.TokensFetched != 0 || len(stats.Endpoints) != 2 {
		t.Errorf("%+v", stats)
	}
	opened, reused := stats.Connections.Opened, stats.Connections.Reused
	if opened < 1 || opened+reused != 7 || stats.Connections.Idle != 1 {
		t.Errorf("%+v", stats.Connections)
	}
	var calls int64
	last := time.Duration(0)
	for _, bucket := range get.Latency.Buckets {
		if bucket.Below <= last {
			t.Errorf("%+v", get.Latency)
		}
		calls, last = calls+bucket.Calls, bucket.Below
	}
	if calls != 6 || get.Latency.Max > get.Latency.Sum || get.Latency.Max >= last {
		t.Errorf("%+v", get.Latency)
	}

	client.Close()
	if _, err := client.Stats(); !errors.Is(err, wxlink.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := (*wxlink.Client)(nil).Stats(); !errors.Is(err, wxlink.ErrArgument) {
		t.Errorf("of no client: %v", err)
	}
}
