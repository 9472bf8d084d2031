// Command refusal links a mini program and decides by the kind of the error what to do after a
// refusal.
//
//	WXLINK_ACCESS_TOKEN=... refusal APPID
//
// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
// It exits with 0 if the mini program is linked or on its way, 1 if a person must act first, 2
// after wrong arguments or options, 3 if another token is needed, 4 if the call may be repeated
// later, 5 if the outcome is unknown.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"wxlink.dev/go/wxlink"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	token, ok := os.LookupEnv("WXLINK_ACCESS_TOKEN")
	if !ok || len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: WXLINK_ACCESS_TOKEN=... refusal APPID")
		return 2
	}

	var options []wxlink.Option
	if url, ok := os.LookupEnv("WXLINK_BASE_URL"); ok {
		options = append(options, wxlink.WithBaseURL(url))
	}
	client, err := wxlink.New(options...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer client.Close()

	_, err = client.LinkMiniProgram(context.Background(), token, args[0],
		wxlink.NotifyNobody, wxlink.ShowInProfile)
	switch {
	case err == nil:
		fmt.Println("done: the invitation is out")
		return 0
	case errors.Is(err, wxlink.ErrAlreadyDone), errors.Is(err, wxlink.ErrPending):
		fmt.Println("done:", err)
		return 0
	case errors.Is(err, wxlink.ErrToken):
		fmt.Println("token: get another access token, then call again")
		return 3
	case errors.Is(err, wxlink.ErrBusy):
		fmt.Println("busy: wait a little, then call again")
		return 4
	case errors.Is(err, wxlink.ErrQuota):
		fmt.Println("quota: call again when it is renewed")
		return 4
	case errors.Is(err, wxlink.ErrActionRequired):
		fmt.Println("action_required:", err)
		return 1
	case errors.Is(err, wxlink.ErrInvalidRequest):
		fmt.Println("invalid_request:", err)
		return 1
	default: // No answer, or an unknown errcode: read the list before linking again.
		fmt.Println("unknown:", err)
		return 5
	}
}
