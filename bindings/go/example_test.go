package wxlink_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"wxlink.dev/go/wxlink"
)

// A program makes one client and shares it. This one calls a sandbox whose administrators agree
// immediately; without WithBaseURL it would call WeChat.
func Example() {
	client, err := wxlink.New(wxlink.WithBaseURL(examplesURL), wxlink.WithTimeout(5*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	progress, err := client.EnsureLinked(ctx, "SANDBOX-TOKEN", "wx0b00000000000001",
		wxlink.NotifyNobody, wxlink.ShowInProfile, 0)
	switch {
	case errors.Is(err, wxlink.ErrToken):
		fmt.Println("get another access token, then call again")
	case err != nil:
		fmt.Println(err)
	case progress.State == wxlink.StateLinked:
		fmt.Println("linked:", progress.Item.AppID)
	default: // pending, declined, vanished or in doubt
		fmt.Println(progress.Message)
	}
	// Output: linked: wx0b00000000000001
}

func ExampleClient_LinkMiniProgram() {
	client, err := wxlink.New(wxlink.WithBaseURL(examplesURL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	for range 2 {
		_, err = client.LinkMiniProgram(context.Background(), "SANDBOX-TOKEN", "wx0b00000000000002",
			wxlink.NotifyNobody, wxlink.ShowInProfile)
		if errors.Is(err, wxlink.ErrPending) || errors.Is(err, wxlink.ErrAlreadyDone) {
			fmt.Println("It is on its way, or linked.")
		} else if err != nil {
			log.Fatal(err)
		} else {
			fmt.Println("The invitation is out.")
		}
	}
	// Output:
	// The invitation is out.
	// It is on its way, or linked.
}

func ExampleClient_GetLinked() {
	client, err := wxlink.New(wxlink.WithBaseURL(examplesURL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	list, err := client.GetLinked(context.Background(), "SANDBOX-TOKEN-3")
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range list.Items {
		fmt.Printf("%s: %v\n", item.Username, item.Status)
	}
	// Output:
	// gh_000000000011: linked
	// gh_000000000012: linked
	// gh_000000000013: linked
	// gh_000000000014: refused by the mini program's administrator
	// gh_000000000004: linked
}

func ExampleClient_UnlinkMiniProgram() {
	client, err := wxlink.New(wxlink.WithBaseURL(examplesURL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx, token, appID := context.Background(), "SANDBOX-TOKEN-2", "wx0b00000000000001"
	if _, err := client.EnsureLinked(ctx, token, appID,
		wxlink.NotifyNobody, wxlink.ShowInProfile, 0); err != nil {
		log.Fatal(err)
	}
	if _, err := client.UnlinkMiniProgram(ctx, token, appID); err != nil {
		log.Fatal(err)
	}
	fmt.Println("The Official Account's administrator has been asked.")
	// Output: The Official Account's administrator has been asked.
}

func ExampleError() {
	client, err := wxlink.New(wxlink.WithBaseURL(examplesURL))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	_, err = client.LinkMiniProgram(context.Background(), "SANDBOX-TOKEN", "wx0b000000000000e3",
		wxlink.NotifyNobody, wxlink.ShowInProfile)
	var failure *wxlink.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Status, failure.Errcode, failure.Class, failure.Delivery)
		fmt.Println(errors.Is(err, wxlink.ErrActionRequired),
			errors.Is(err, wxlink.ErrOutcomeUnknown))
	}
	// Output:
	// API 89245 action_required answered
	// true false
}

func ExampleDescribe() {
	about, _ := wxlink.Describe(wxlink.EndpointLink, 89010, wxlink.LangEN)
	fmt.Println(about.Name, about.Class)
	fmt.Println(about.Remedy)
	// Output:
	// LINK_MESSAGE_SENT pending
	// Wait for the administrators and ask the list again; do not link again.
}
