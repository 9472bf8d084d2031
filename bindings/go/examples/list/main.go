// Command list shows the mini programs linked to an Official Account, and those on their way.
//
//	WXLINK_ACCESS_TOKEN=... list
//
// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
// It exits with 0, 1 if the list could not be read, 2 after wrong arguments or options.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"wxlink.dev/go/wxlink"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	token, ok := os.LookupEnv("WXLINK_ACCESS_TOKEN")
	if !ok || len(args) != 0 {
		fmt.Fprintln(os.Stderr, "usage: WXLINK_ACCESS_TOKEN=... list")
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

	list, err := client.GetLinked(context.Background(), token)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	const row = "  %-18s  %-18s  %-48s  %s\n"
	fmt.Printf(row, "APPID", "ORIGINAL ID", "STATUS", "NAME")
	for _, item := range list.Items {
		status := "-"
		if item.Has("status") {
			status = item.Status.String()
		}
		fmt.Printf(row,
			cmp.Or(item.AppID, "-"), cmp.Or(item.Username, "-"), status, cmp.Or(item.Nickname, "-"))
	}
	if len(list.Items) == 0 {
		fmt.Println("  (none)")
	}
	return 0
}
