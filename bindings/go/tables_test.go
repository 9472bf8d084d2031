package wxlink_test

import (
	"regexp"
	"testing"
	"time"

	"wxlink.dev/go/wxlink"
)

func TestEveryOptionTakesItsDefault(t *testing.T) {
	client, err := wxlink.New(
		wxlink.WithBaseURL("https://api.weixin.qq.com"),
		wxlink.WithTimeout(10*time.Second),
		wxlink.WithConnectTimeout(3*time.Second),
		wxlink.WithMaxRetries(2),
		wxlink.WithKeepAlive(15*time.Second),
		wxlink.WithProxy("none"),
		wxlink.WithCAFile(""),
		wxlink.WithTrust(wxlink.TrustSystem),
		wxlink.WithUserAgent("wxlink/"+wxlink.Version()),
		wxlink.WithMaxResponseBytes(4<<20),
		wxlink.WithLang(wxlink.LangEN),
		wxlink.WithAccount(""),
		wxlink.WithAccessToken(""),
		wxlink.WithTokenCommand(""),
		wxlink.WithComponentAppID(""),
		wxlink.WithComponentAppSecret(""),
		wxlink.WithStore("memory"),
	)
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
}

func TestOptionsReachTheLibrary(t *testing.T) {
	for key, option := range map[string]wxlink.Option{
		"base_url":            wxlink.WithBaseURL("https://a.example", "http://b.example"),
		"timeout_ms":          wxlink.WithTimeout(0),
		"connect_timeout_ms":  wxlink.WithConnectTimeout(-time.Second),
		"max_retries":         wxlink.WithMaxRetries(11),
		"keep_alive_ms":       wxlink.WithKeepAlive(2 * time.Hour),
		"proxy":               wxlink.WithProxy("ftp://host:1"),
		"ca_file":             wxlink.WithCAFile("/nowhere/ca.pem"),
		"trust":               wxlink.WithTrust("none"),
		"user_agent":          wxlink.WithUserAgent("\n"),
		"max_response_bytes":  wxlink.WithMaxResponseBytes(1),
		"lang":                wxlink.WithLang("fr"),
		"contains a NUL byte": wxlink.WithLang("en\x00"),
		"unknown option":      wxlink.WithOption("Timeout", "1"),
		"name contains a NUL": wxlink.WithOption("lang\x00", "en"),
		"WithMaxConcurrent":   wxlink.WithMaxConcurrent(0),
	} {
		client, err := wxlink.New(option)
		if client != nil || err == nil || !regexp.MustCompile(key).MatchString(err.Error()) {
			t.Errorf("%s: %v", key, err)
		}
		expectKinds(t, err, wxlink.ErrArgument, wxlink.ErrNotSent)
	}
	// Times are rounded up: half a millisecond is a time that the library takes.
	client, err := wxlink.New(wxlink.WithTimeout(time.Millisecond / 2))
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
}

func TestMessagesInChinese(t *testing.T) {
	client := newClient(t, newSandbox(t), wxlink.WithLang(wxlink.LangZH))
	_, err := client.GetLinked(t.Context(), "SANDBOX-EXPIRED")
	about, _ := wxlink.Describe(wxlink.EndpointGet, 42001, wxlink.LangZH)
	if about.Remedy == "" ||
		!regexp.MustCompile(regexp.QuoteMeta(about.Remedy)).MatchString(err.Error()) {
		t.Errorf("%q is not in %q", about.Remedy, err)
	}
}

func TestTheLibraryKnowsTheStatuses(t *testing.T) {
	for status, name := range map[wxlink.Status]string{
		wxlink.StatusOK:         "OK",
		wxlink.StatusNotUTF8:    "NOT_UTF8",
		wxlink.StatusBadAnswer:  "BAD_ANSWER",
		wxlink.StatusInternal:   "INTERNAL",
		wxlink.Status(-18):      "Status(-18)",
		wxlink.Status(-1 << 31): "Status(-2147483648)",
	} {
		if got := status.String(); got != name {
			t.Errorf("%d is %q, not %q", int(status), got, name)
		}
	}
}

func TestErrcodesAreDescribed(t *testing.T) {
	about, ok := wxlink.Describe(wxlink.EndpointLink, 89010, wxlink.LangEN)
	if !ok || about.Name != "LINK_MESSAGE_SENT" || about.Class != wxlink.ClassPending ||
		about.Remedy == "" {
		t.Errorf("89010: %+v", about)
	}
	// The same errcode has another class where it is not what was asked for.
	about, ok = wxlink.Describe(wxlink.EndpointUnlink, 89010, wxlink.LangEN)
	if !ok || about.Class != wxlink.ClassActionRequired {
		t.Errorf("89010 of unlink: %+v", about)
	}
	for _, errcode := range []int{123456, 1<<32 + 89010} {
		if about, ok := wxlink.Describe(wxlink.EndpointAny, errcode, wxlink.LangEN); ok ||
			about != (wxlink.Description{}) {
			t.Errorf("%d: %+v", errcode, about)
		}
	}
}
