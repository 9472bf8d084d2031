// Command link links one mini program to an Official Account.
//
//	WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS SHOW_PROFILE
//
// The token comes from the environment, because every user of the machine can see arguments.
// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
// It exits with 0 if the mini program is linked or on its way, 1 if not, 2 after wrong arguments or
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
	if !ok || len(args) != 3 || !isFlag(args[1]) || !isFlag(args[2]) {
		fmt.Fprintln(os.Stderr,
			"usage: WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS(0|1) SHOW_PROFILE(0|1)")
		return 2
	}
	notify, profile := wxlink.NotifyNobody, wxlink.HideInProfile
	if args[1] == "1" {
		notify = wxlink.NotifyFollowers
	}
	if args[2] == "1" {
		profile = wxlink.ShowInProfile
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

	_, err = client.LinkMiniProgram(context.Background(), token, args[0], notify, profile)
	switch {
	case err == nil:
		fmt.Println("The invitation is out.")
	case errors.Is(err, wxlink.ErrPending), errors.Is(err, wxlink.ErrAlreadyDone):
		fmt.Println(err)
	default:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func isFlag(arg string) bool { return arg == "0" || arg == "1" }
