//go:build linux

package wxlink_test

import (
	"context"
	"os"
	"runtime"
	"sync"
	"testing"

	"wxlink.dev/go/wxlink"
)

// count counts the entries of a folder of /proc: threads or open files of this process.
func count(t *testing.T, folder string) int {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

const (
	threads = "/proc/self/task"
	files   = "/proc/self/fd"
)

func TestCancelledCallsLeakNothing(t *testing.T) {
	s := newSandbox(t)
	s.fault(t, "get", "hang")
	// A first client, so that what is made once for the process exists already.
	newClient(t, s).Close()
	goroutinesBefore, filesBefore := runtime.NumGoroutine(), count(t, files)

	client := newClient(t, s)
	const atOnce, rounds = 64, 8
	round := func(n int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var all sync.WaitGroup
		for range atOnce {
			all.Add(1)
			go func() {
				defer all.Done()
				_, err := client.GetLinked(ctx, token)
				expectKinds(t, err, context.Canceled, wxlink.ErrOutcomeUnknown)
			}()
		}
		eventually(t, "all calls run", func() bool { return s.received(t, "get") == n*atOnce })
		cancel()
		all.Wait()
	}
	// Go keeps the threads of the first round for later ones.
	round(1)
	threadsBefore := count(t, threads)
	for n := 2; n <= rounds; n++ {
		round(n)
	}
	if n := count(t, threads); n > threadsBefore+atOnce/4 {
		t.Errorf("%d threads after one round, %d after %d", threadsBefore, n, rounds)
	}
	client.Close()
	eventually(t, "the goroutines end",
		func() bool { return runtime.NumGoroutine() <= goroutinesBefore })
	eventually(t, "the files are closed", func() bool { return count(t, files) <= filesBefore })
}

func TestAnUnreachableClientIsClosed(t *testing.T) {
	s := newSandbox(t)
	newClient(t, s).Close()
	before := count(t, files)
	func() {
		// Not newClient, which would keep a reference.
		client, err := wxlink.New(wxlink.WithBaseURL(s.url))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.GetLinked(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if count(t, files) <= before {
			t.Fatal("the client keeps no connection whose end could show that it is closed")
		}
	}()
	eventually(t, "the connection is closed", func() bool {
		runtime.GC()
		return count(t, files) <= before
	})
}
