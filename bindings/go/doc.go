// Package wxlink links WeChat mini programs to Official Accounts.
//
// It is a thin layer over the C library of the same name. Make one [Client] and share it:
//
//	client, err := wxlink.New()
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	progress, err := client.EnsureLinked(ctx, token, appID,
//		wxlink.NotifyNobody, wxlink.ShowInProfile, time.Minute)
//	if err != nil {
//		return err
//	}
//	if progress.State == wxlink.StatePending {
//		log.Print("waiting for ", progress.WaitsFor)
//	}
//
// # Never twice
//
// A link can message every follower of an account. Once anything of a link was sent, the library
// does not send it again; every error is [ErrNotSent] or [ErrOutcomeUnknown] unless WeChat
// answered.
//
// # Contexts
//
// A call ends within 100 ms after its context, with an error that is [context.Canceled] or
// [context.DeadlineExceeded]. A deadline can only shorten the time limit that [WithTimeout] sets.
//
// # Threads
//
// A running call occupies an operating system thread, since it is a call into C.
// [WithMaxConcurrent] limits them; further calls wait for their turn or for the end of their
// context.
//
// # Secrets
//
// No error, message or trace contains an access token. The JSON of an answer is WeChat's, byte for
// byte.
//
// # Linking
//
// By default the library is found with pkg-config, under the name wxlink. The build tag
// wxlink_nopkgconfig leaves that to CGO_CFLAGS and CGO_LDFLAGS. The tag wxlink_static does too, and
// links libwxlink.a into the program.
package wxlink
