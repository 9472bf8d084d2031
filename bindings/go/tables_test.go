package wxlink_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"wxlink.dev/go/wxlink"
)

// table returns the rows of a page of docs/ that match a pattern.
func table(t *testing.T, page, row string) [][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)"+row).FindAllStringSubmatch(string(text), -1)
	if len(rows) == 0 {
		t.Fatalf("%s has no such table", page)
	}
	return rows
}

func TestEveryOptionIsThere(t *testing.T) {
	// The option that each function sets, with the default as its value.
	options := map[string]struct {
		option wxlink.Option
		value  string
	}{
		"base_url":            {wxlink.WithBaseURL("https://api.weixin.qq.com"), "https://api.weixin.qq.com"},
		"timeout_ms":          {wxlink.WithTimeout(10 * time.Second), "10000"},
		"connect_timeout_ms":  {wxlink.WithConnectTimeout(3 * time.Second), "3000"},
		"max_retries":         {wxlink.WithMaxRetries(2), "2"},
		"keep_alive_ms":       {wxlink.WithKeepAlive(15 * time.Second), "15000"},
		"proxy":               {wxlink.WithProxy("none"), "none"},
		"ca_file":             {wxlink.WithCAFile(""), ""},
		"trust":               {wxlink.WithTrust("system"), "system"},
		"user_agent":          {wxlink.WithUserAgent("wxlink/" + wxlink.Version()), "wxlink/" + wxlink.Version()},
		"max_response_bytes":  {wxlink.WithMaxResponseBytes(4 << 20), "4194304"},
		"lang":                {wxlink.WithLang("en"), "en"},
		"account":             {wxlink.WithAccount(""), ""},
		"access_token":        {wxlink.WithAccessToken(""), ""},
		"token_command":       {wxlink.WithTokenCommand(""), ""},
		"component_appid":     {wxlink.WithComponentAppID(""), ""},
		"component_appsecret": {wxlink.WithComponentAppSecret(""), ""},
		"store":               {wxlink.WithStore("memory"), "memory"},
	}
	var documented []string
	for _, row := range table(t, "options.md", "^\\| `(\\w+)` \\| (?:`(.*?)`|\\(none\\)) \\|") {
		key, value := row[1], row[2]
		documented = append(documented, key)
		if options[key].value != value {
			t.Errorf("the default of %s is %q, not %q", key, value, options[key].value)
		}
	}
	slices.Sort(documented)
	if here := slices.Sorted(maps.Keys(options)); !slices.Equal(documented, here) {
		t.Errorf("docs/options.md has %v, this package %v", documented, here)
	}
	var all []wxlink.Option
	for _, o := range options {
		all = append(all, o.option)
	}
	client, err := wxlink.New(all...)
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
	client := newClient(t, newSandbox(t), wxlink.WithLang("zh"))
	_, err := client.Linked(t.Context(), "SANDBOX-EXPIRED")
	about, _ := wxlink.Describe(wxlink.EndpointGet, 42001, "zh")
	if about.Remedy == "" || !regexp.MustCompile(regexp.QuoteMeta(about.Remedy)).MatchString(err.Error()) {
		t.Errorf("%q is not in %q", about.Remedy, err)
	}
}

func TestEveryStatusIsThere(t *testing.T) {
	statuses := []wxlink.Status{
		wxlink.StatusOK, wxlink.StatusNullPointer, wxlink.StatusNotUTF8, wxlink.StatusBadValue, wxlink.StatusBadOption,
		wxlink.StatusBuffer, wxlink.StatusNotFound, wxlink.StatusResolve, wxlink.StatusConnect, wxlink.StatusTLS,
		wxlink.StatusProxy, wxlink.StatusTimeoutUnsent, wxlink.StatusNoToken, wxlink.StatusTimeout, wxlink.StatusConnectionLost,
		wxlink.StatusBadAnswer, wxlink.StatusTooLarge, wxlink.StatusAPI, wxlink.StatusPending, wxlink.StatusDeclined,
		wxlink.StatusVanished, wxlink.StatusCancelled, wxlink.StatusForked, wxlink.StatusInternal,
	}
	rows := table(t, "errors.md", "^\\| `WX_(?:E_)?(\\w+)` \\| (-?\\d+) \\|")
	if len(rows) != len(statuses) {
		t.Errorf("there are %d statuses, %d of them in this package", len(rows), len(statuses))
	}
	for i, row := range rows {
		if s := statuses[min(i, len(statuses)-1)]; s.String() != row[1] || strconv.Itoa(int(s)) != row[2] {
			t.Errorf("%s is %s, not %v (%d)", row[1], row[2], s, s)
		}
	}
	if name := wxlink.Status(-18).String(); name != "Status(-18)" {
		t.Errorf("an unknown status is %q", name)
	}
}

func TestEveryErrcodeIsDescribed(t *testing.T) {
	for _, row := range table(t, "errors.md", "^\\| (-?\\d+) \\| `(\\w+)` \\| (any|link|get|unlink) \\| `(\\w+)` \\| \\w+ \\| (.*?) \\| (.*?) ?\\|$") {
		errcode, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		on := wxlink.Endpoint(row[3])
		if on == "any" {
			on = wxlink.EndpointAny
		}
		about, ok := wxlink.Describe(on, errcode, "en")
		if !ok || about.Name != row[2] || string(about.Class) != row[4] || about.Meaning != row[5] || about.Remedy != row[6] {
			t.Errorf("%s: %+v", row[0], about)
		}
	}
	for _, errcode := range []int{123456, 1<<32 + 89010} {
		if about, ok := wxlink.Describe(wxlink.EndpointAny, errcode, "en"); ok || about != (wxlink.Description{}) {
			t.Errorf("%d: %+v", errcode, about)
		}
	}
}
