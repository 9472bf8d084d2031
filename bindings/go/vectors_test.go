package wxlink_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"wxlink.dev/go/wxlink"
)

// vectors reads a file of the test vectors, which all languages share.
func vectors(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "tests", "vectors", file))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// repeat expands [start, middle, times, end], or a prefix of that.
func repeat(of []any) string {
	var text strings.Builder
	for i, part := range of {
		switch part := part.(type) {
		case string:
			if i+1 < len(of) {
				if times, ok := of[i+1].(float64); ok {
					part = strings.Repeat(part, int(times))
				}
			}
			text.WriteString(part)
		}
	}
	return text.String()
}

func TestOptionVectors(t *testing.T) {
	var file struct {
		Options map[string]struct {
			Good, Bad []string
			BadRepeat []any `json:"bad_repeat"`
			Says      string
		}
		Unknown []string
	}
	vectors(t, "options.json", &file)
	for key, values := range file.Options {
		for _, good := range values.Good {
			if err := wxlink.CheckOption(key, good); err != nil {
				t.Errorf("%s=%q: %v", key, good, err)
			}
		}
		if values.BadRepeat != nil {
			values.Bad = append(values.Bad, repeat(values.BadRepeat))
		}
		for _, bad := range values.Bad {
			err := wxlink.CheckOption(key, bad)
			expectKinds(t, err, wxlink.ErrArgument, wxlink.ErrNotSent)
			if err != nil && !strings.Contains(err.Error(), values.Says) &&
				!strings.Contains(bad, "\x00") {
				t.Errorf("%s=%q: %v", key, bad, err)
			}
		}
	}
	for _, unknown := range file.Unknown {
		if err := wxlink.CheckOption(unknown, "1"); err == nil ||
			!strings.Contains(err.Error(), "unknown option") {
			t.Errorf("%q: %v", unknown, err)
		}
	}
}

func TestRequestVectors(t *testing.T) {
	type call struct {
		Verb              string
		AccessToken       string `json:"access_token"`
		AccessTokenRepeat []any  `json:"access_token_repeat"`
		AppID             string
		AppIDRepeat       []any `json:"appid_repeat"`
		NotifyUsers       bool  `json:"notify_users"`
		ShowProfile       bool  `json:"show_profile"`
	}
	var file struct {
		Vectors []struct {
			Name    string
			Call    call
			Request struct {
				Path, Query, Body string
				QueryRepeat       []any `json:"query_repeat"`
			}
		}
		Refused []struct {
			Name, Says string
			Call       call
		}
	}
	vectors(t, "requests.json", &file)
	s := newSandbox(t)
	client := newClient(t, s)
	ask := func(c call) error {
		token, appID := c.AccessToken+repeat(c.AccessTokenRepeat), c.AppID+repeat(c.AppIDRepeat)
		notify, profile := wxlink.NotifyNobody, wxlink.HideInProfile
		if c.NotifyUsers {
			notify = wxlink.NotifyFollowers
		}
		if c.ShowProfile {
			profile = wxlink.ShowInProfile
		}
		var err error
		switch c.Verb {
		case "link":
			_, err = client.LinkMiniProgram(t.Context(), token, appID, notify, profile)
		case "get":
			_, err = client.GetLinked(t.Context(), token)
		case "unlink":
			_, err = client.UnlinkMiniProgram(t.Context(), token, appID)
		default:
			t.Fatalf("unknown verb %q", c.Verb)
		}
		return err
	}
	for _, v := range file.Refused {
		err := ask(v.Call)
		expectKinds(t, err, wxlink.ErrArgument, wxlink.ErrNotSent)
		if err != nil && !strings.Contains(err.Error(), v.Says) {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
	for i, v := range file.Vectors {
		// The journal shows only tokens that the sandbox knows.
		known := ""
		for _, b := range []byte(v.Call.AccessToken + repeat(v.Call.AccessTokenRepeat)) {
			known += fmt.Sprintf("%%%02X", b)
		}
		s.do(t, "PUT", "tokens/"+known, map[string]string{"account": account, "kind": "good"})
		if err := ask(v.Call); err != nil && !errors.As(err, new(*wxlink.Error)) {
			t.Errorf("%s: %v", v.Name, err)
		}
		var journal struct {
			Entries []struct{ Method, Path, Query, Body string }
		}
		if err := json.Unmarshal(s.do(t, "GET", "journal", nil), &journal); err != nil {
			t.Fatal(err)
		}
		if len(journal.Entries) != i+1 {
			t.Fatalf("%s: %d requests in all, not %d", v.Name, len(journal.Entries), i+1)
		}
		got := journal.Entries[i]
		if got.Method != "POST" || got.Path != v.Request.Path ||
			got.Query != v.Request.Query+repeat(v.Request.QueryRepeat) ||
			got.Body != v.Request.Body {
			t.Errorf("%s: %+v", v.Name, got)
		}
	}
}

func TestAnswerVectors(t *testing.T) {
	var file struct {
		Vectors []struct {
			Name       string
			Endpoint   string
			Body       string
			BodyBase64 []byte `json:"body_base64"`
			BodyRepeat []any  `json:"body_repeat"`
			HTTP       struct {
				Status  int
				Headers map[string]any
			}
			Expect struct {
				Status      *string
				Errcode     *int
				Class       *wxlink.Class
				Delivery    *string
				HTTPStatus  *int `json:"http_status"`
				RID         *string
				MessageSays string `json:"message_says"`
				Items       []map[string]any
			}
		}
	}
	vectors(t, "answers.json", &file)
	s := newSandbox(t)
	client := newClient(t, s, wxlink.WithMaxRetries(0))
	for _, v := range file.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			content := append([]byte(v.Body+repeat(v.BodyRepeat)), v.BodyBase64...)
			body := map[string]any{"base64": base64.StdEncoding.EncodeToString(content),
				"status": max(v.HTTP.Status, 200)}
			if v.HTTP.Headers != nil {
				body["headers"] = v.HTTP.Headers
			}
			s.do(t, "POST", "faults", map[string]any{"fault": map[string]any{"body": body}})
			var result wxlink.Result
			var list wxlink.List
			var err error
			switch v.Endpoint {
			case "link":
				result, err = client.LinkMiniProgram(t.Context(), token, appID,
					wxlink.NotifyNobody, wxlink.HideInProfile)
			case "get":
				list, err = client.GetLinked(t.Context(), token)
				result = list.Result
			case "unlink":
				result, err = client.UnlinkMiniProgram(t.Context(), token, appID)
			default:
				t.Fatalf("unknown endpoint %q", v.Endpoint)
			}
			expect := v.Expect
			check := func(what string, wanted, got any) {
				if w := reflect.ValueOf(wanted); !w.IsNil() && w.Elem().Interface() != got {
					t.Errorf("%s is %v, not %v; %v", what, got, w.Elem(), err)
				}
			}
			check("the status", expect.Status, result.Status.String())
			check("the errcode", expect.Errcode, result.Errcode)
			check("the class", expect.Class, result.Class)
			check("the delivery", expect.Delivery, result.Delivery.String())
			check("the HTTP status", expect.HTTPStatus, result.HTTPStatus)
			check("the rid", expect.RID, result.RID)
			if expect.MessageSays != "" &&
				(err == nil || !strings.Contains(err.Error(), expect.MessageSays)) {
				t.Errorf("the message is %v", err)
			}
			if expect.Items != nil {
				checkItems(t, expect.Items, list.Items)
			}
		})
	}
}

func checkItems(t *testing.T, wanted []map[string]any, got []wxlink.MiniProgram) {
	t.Helper()
	if len(got) != len(wanted) {
		t.Fatalf("%d items, not %d", len(got), len(wanted))
	}
	for i, item := range got {
		fields := map[string]any{
			"status":                int(item.Status),
			"username":              item.Username,
			"appid":                 item.AppID,
			"source":                item.Source,
			"nickname":              item.Nickname,
			"selected":              item.Selected,
			"nearby_display_status": item.NearbyDisplayStatus,
			"released":              item.Released,
			"headimg_url":           item.HeadImgURL,
			"copy_verify_status":    item.CopyVerifyStatus,
			"email":                 item.Email,
		}
		for name, value := range wanted[i] {
			switch name {
			case "extra":
				if wanted := value.(map[string]any); len(item.Extra)+len(wanted) > 0 &&
					!reflect.DeepEqual(asJSON(t, item.Extra), value) {
					t.Errorf("extra is %s", item.Extra)
				}
			case "func_infos":
				infos := []any{}
				for _, info := range item.FuncInfos {
					fields := map[string]any{}
					if info.Has("id") {
						fields["id"] = info.ID
					}
					if info.Has("status") {
						fields["status"] = info.Status
					}
					if info.Has("name") {
						fields["name"] = info.Name
					}
					infos = append(infos, fields)
				}
				if !item.Has(name) || !reflect.DeepEqual(asJSON(t, infos), value) {
					t.Errorf("func_infos are %+v", item.FuncInfos)
				}
			default:
				got, known := fields[name]
				if !known {
					t.Fatalf("unknown field %q", name)
				}
				if item.Has(name) != (value != nil) {
					t.Errorf("%s: Has is %v", name, item.Has(name))
				}
				if value == nil {
					value = reflect.Zero(reflect.TypeOf(got)).Interface()
				}
				if fmt.Sprint(got) != fmt.Sprint(value) {
					t.Errorf("%s is %v, not %v", name, got, value)
				}
			}
		}
	}
}

// asJSON converts a value to JSON and back.
func asJSON(t *testing.T, value any) (back any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}
