// Command unlink asks to unlink a mini program from an Official Account.
//
//	WXLINK_ACCESS_TOKEN=... unlink APPID
//
// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
// It exits with 0 if the administrator has been asked, 1 if not, 2 after wrong arguments or
// options.
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
		fmt.Fprintln(os.Stderr, "usage: WXLINK_ACCESS_TOKEN=... unlink APPID")
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

	_, err = client.UnlinkMiniProgram(context.Background(), token, args[0])
	switch {
	case err == nil:
		fmt.Println("The Official Account's administrator has been asked.")
	case errors.Is(err, wxlink.ErrPending), errors.Is(err, wxlink.ErrAlreadyDone):
		fmt.Println(err)
	default:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
