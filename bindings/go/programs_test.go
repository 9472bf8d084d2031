package wxlink_test

import (
	"bytes"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// program runs one of this folder's programs as a user does, and returns what it printed.
func program(
	t *testing.T, s *sandbox, token, stdin string, args ...string,
) (stdout, stderr string, code int) {
	t.Helper()
	command := exec.Command("./run.sh", args...)
	command.Env = append(os.Environ(), "WXLINK_ACCESS_TOKEN="+token, "WXLINK_BASE_URL="+s.url)
	command.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), command.ProcessState.ExitCode()
}

func TestSamples(t *testing.T) {
	s := newSandbox(t)
	for _, c := range []struct {
		token, args    string
		stdout, stderr string // the expected beginnings; empty if nothing is written
		code           int
	}{
		{token, "link " + appID + " 0 1", "The invitation is out.\n", "", 0},
		{token, "link " + appID + " 0 1",
			"linkMiniprogram: WeChat answered 89010 LINK_MESSAGE_SENT", "", 0},
		{token, "link wx0b000000000000e3 0 1", "", "linkMiniprogram: WeChat answered 89245", 1},
		{token, "link " + appID + " 2 1", "", "usage: ", 2},
		{token, "link " + appID + " 0", "", "usage: ", 2},
		{token, "list",
			"  APPID               ORIGINAL ID         STATUS                                            NAME\n" +
				"  wx0b00000000000001  gh_000000000001     waiting for the Official Account's administrator  示例小程序1\n", "", 0},
		{"SANDBOX-TOKEN-2", "list",
			"  APPID               ORIGINAL ID         STATUS                                            NAME\n  (none)\n", "", 0},
		{"SANDBOX-EXPIRED", "list", "", "getLinkMiniprogram: WeChat answered 42001", 1},
		{token, "list more", "", "usage: ", 2},
		{token, "refusal wx0b00000000000002", "done: the invitation is out\n", "", 0},
		{token, "refusal wx0b00000000000002",
			"done: linkMiniprogram: WeChat answered 89010", "", 0},
		{"SANDBOX-EXPIRED", "refusal " + appID,
			"token: get another access token, then call again\n", "", 3},
		{token, "refusal wx0a00000000000004", "busy: wait a little, then call again\n", "", 4},
		{token, "refusal wx0b000000000000e3",
			"action_required: linkMiniprogram: WeChat answered 89245", "", 1},
		{token, "refusal nonsense",
			"invalid_request: linkMiniprogram: WeChat answered 40013", "", 1},
		{"", "refusal " + appID,
			"unknown: linkMiniprogram: BAD_VALUE: access_token is empty", "", 5},
		{token, "refusal", "", "usage: ", 2},
		{"SANDBOX-TOKEN-3", "unlink wx0b00000000000011",
			"The Official Account's administrator has been asked.\n", "", 0},
		{"SANDBOX-TOKEN-3", "unlink wx0b00000000000011",
			"unlinkMiniprogram: WeChat answered 89018", "", 0},
		{"SANDBOX-EXPIRED", "unlink wx0b00000000000011", "",
			"unlinkMiniprogram: WeChat answered 42001", 1},
		{token, "unlink", "", "usage: ", 2},
	} {
		stdout, stderr, code := program(t, s, c.token, "", strings.Fields(c.args)...)
		begins := func(text, with string) bool {
			return strings.HasPrefix(text, with) && (text == "") == (with == "")
		}
		if !begins(stdout, c.stdout) || !begins(stderr, c.stderr) || code != c.code {
			t.Errorf("%s: exit %d\n%s%s", c.args, code, stdout, stderr)
		}
	}
	for _, sample := range []string{"link x 0 1", "list", "refusal x", "unlink x"} {
		nowhere := &sandbox{url: "ftp://nowhere"}
		stdout, stderr, code := program(t, nowhere, token, "", strings.Fields(sample)...)
		if stdout != "" || !strings.HasPrefix(stderr, "BAD_OPTION: option base_url") || code != 2 {
			t.Errorf("%s at a bad address: exit %d\n%s%s", sample, code, stdout, stderr)
		}
	}
}

func TestConform(t *testing.T) {
	s := newSandbox(t)
	s.do(t, "PUT", "miniprograms/"+appID, map[string]any{"nickname": "50%\t示"})
	base := "\taccess_token=SANDBOX-TOKEN\toption.base_url=" + url.PathEscape(s.url)
	lines := []struct {
		request string
		fields  []string
	}{
		{"get" + base,
			[]string{"status=OK", "errcode=0", "class=ok", "delivery=answered", "http_status=200",
				"items=0"}},
		{"link" + base + "\tappid=%77x0b00000000000001\tnotify_users=0\tshow_profile=1",
			[]string{"status=OK"}},
		{"link" + base + "\tappid=wx0b00000000000001\tnotify_users=0\tshow_profile=1",
			[]string{"status=API", "errcode=89010", "class=pending"}},
		{"link" + base + "\tappid=wx0b00000000000001\tnotify_users=2\tshow_profile=1",
			[]string{"status=BAD_VALUE", "errcode=", "delivery=never sent"}},
		{"link" + base + "\tappid=wx%00\tnotify_users=0\tshow_profile=1",
			[]string{"status=BAD_VALUE"}},
		{"ensure" + base + "\tappid=wx0b00000000000001\tnotify_users=0\tshow_profile=1",
			[]string{"status=PENDING", "errcode=", "state=pending", "waits_for=official_account",
				"posts=0"}},
		{"get" + base,
			[]string{"items=1", "item.0.status=12", "item.0.nickname=50%25%09%E7%A4%BA",
				"item.0.func_infos=2", "item.0.func_infos.1.id=2"}},
		{"unlink" + base + "\tappid=wx0b000000000000e7", []string{"status=API", "errcode=40013"}},
		{"wait" + base + "\tappid=wx0b00000000000009\twait_ms=0",
			[]string{"status=VANISHED", "state=vanished"}},
		{"get" + base + "\toption.lang=fr", []string{"status=BAD_OPTION", "delivery=never sent"}},
		{"option\tkey=timeout_ms\tvalue=0", []string{"status=BAD_OPTION"}},
		{"option\tkey=timeout_ms\tvalue=1", []string{"status=OK", "message="}},
		{"errcodes\terrcode=89010\tendpoint=link",
			[]string{"status=OK", "name=LINK_MESSAGE_SENT", "class=pending"}},
		{"errcodes\terrcode=-5\tendpoint=get", []string{"status=NOT_FOUND"}},
	}
	var stdin strings.Builder
	for _, line := range lines {
		stdin.WriteString(line.request + "\n")
	}
	stdout, stderr, code := program(t, s, "", stdin.String(), "conform")
	if stderr != "" || code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	replies := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	if len(replies) != len(lines) {
		t.Fatalf("%d replies to %d requests", len(replies), len(lines))
	}
	for i, line := range lines {
		for _, field := range line.fields {
			if !strings.Contains("\t"+replies[i]+"\t", "\t"+field+"\t") {
				t.Errorf("%s: no %s in %s", line.request, field, replies[i])
			}
		}
	}
}
