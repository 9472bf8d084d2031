// Package wxlink links WeChat mini programs to Official Accounts.
//
// It is a thin layer over the C library of the same name. Make one [Client] and share it:
//
//	client, err := wxlink.New()
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	progress, err := client.EnsureLinked(ctx, token, appID, wxlink.NotifyNobody, wxlink.ShowInProfile, 0)
//	if errors.Is(err, wxlink.ErrPending) {
//		log.Print("waiting for ", progress.WaitsFor)
//	}
//
// # Never twice
//
// A link can message every follower of an account. The library posts again by itself only what was
// never sent; every error says what is known ([ErrNotSent], [ErrOutcomeUnknown]).
//
// # Contexts
//
// A call ends at once when its context does, with an error that is [context.Canceled] or
// [context.DeadlineExceeded]. A deadline can only shorten the time limit that [WithTimeout] sets.
//
// # Threads
//
// A running call occupies an operating system thread, since it is a call into C. [WithMaxConcurrent]
// bounds them; calls beyond it wait for their turn, or for the end of their context.
//
// # Secrets
//
// No access token is in an error, a message or a trace. An answer's JSON is WeChat's own, as it came.
//
// # Linking
//
// By default the library is found with pkg-config, under the name wxlink. The build tag
// wxlink_nopkgconfig leaves that to CGO_CFLAGS and CGO_LDFLAGS. The tag wxlink_static does too, and
// links libwxlink.a into the program.
package wxlink
