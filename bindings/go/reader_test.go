package wxlink

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"unicode/utf8"
)

// reference reads an object with encoding/json alone. It returns the expected values of the known
// fields, and the other fields.
func reference(data []byte, texts, numbers []string) (map[string]any, map[string]json.RawMessage) {
	var left map[string]json.RawMessage
	if json.Unmarshal(data, &left) != nil || left == nil {
		return nil, nil
	}
	read := map[string]any{}
	for key, raw := range left {
		var text string
		isText := raw[0] == '"' && json.Unmarshal(raw, &text) == nil
		if !isText {
			text = string(raw)
		}
		n, err := strconv.Atoi(text)
		switch {
		case isText && slices.Contains(texts, key):
			read[key] = text
		case err == nil && slices.Contains(numbers, key):
			read[key] = n
		default:
			continue
		}
		delete(left, key)
	}
	return read, left
}

// present removes the fields that a struct does not have.
func present(has func(string) bool, fields map[string]any) map[string]any {
	maps.DeleteFunc(fields, func(name string, _ any) bool { return !has(name) })
	return fields
}

func sameInfos(t *testing.T, infos []FuncInfo, data json.RawMessage) (areInfos bool) {
	var each []json.RawMessage
	if json.Unmarshal(data, &each) != nil || each == nil {
		return false
	}
	for _, one := range each {
		if one[0] != '{' {
			return false
		}
	}
	for n, one := range each {
		read, left := reference(one, []string{"name"}, []string{"id", "status"})
		i := infos[n]
		got := present(i.Has, map[string]any{"id": i.ID, "status": i.Status, "name": i.Name})
		if !maps.EqualFunc(left, i.Extra, slices.Equal) || !reflect.DeepEqual(read, got) {
			t.Fatalf("%s is read as %+v", one, i)
		}
	}
	return len(infos) == len(each)
}

func FuzzItem(f *testing.F) {
	for _, item := range []string{
		`{}`, `null`, `[1]`, `{"appid":"wx1","appid":5}`, `{"appid":5,"appid":"wx1"}`,
		"{\"status\" :\t\"12\",\n\"x\":[{\"a\":\"]\"},1e9]}",
		`{"nickname":"a\ud83d","headimg_url":"http:\/\/x\"\\","username":"\\\\\""}`,
		`{"released":-1,"selected":1.0,"email":null}`,
		`{"func_infos":[{"id":1,"status":"1","name":"n","x":true},{}],"func_info":[]}`,
		`{"func_infos":[{"id":1},2],"func_News":[{"id":"a"}]}`,
	} {
		f.Add([]byte(item))
	}
	texts := []string{"username", "appid", "source", "nickname", "headimg_url", "email"}
	numbers := []string{"status", "selected", "nearby_display_status", "released",
		"copy_verify_status"}
	f.Fuzz(func(t *testing.T, data []byte) {
		// Invalid JSON must do no harm.
		r := &reader{json: string(data)}
		for r.next() != 0 {
			before := r.at
			if r.skip(); r.at == before {
				if r.more(); r.at == before {
					t.Fatalf("stuck at %d", r.at)
				}
			}
		}

		var m MiniProgram
		err := m.UnmarshalJSON(data)
		if !utf8.Valid(data) {
			return // encoding/json replaces invalid UTF-8; the library refuses it.
		}
		read, left := reference(data, texts, numbers)
		if (err == nil) != (read != nil) {
			t.Fatalf("%v, but %v", err, read)
		}
		if err != nil {
			return
		}
		hasInfos := false
		for _, name := range []string{"func_infos", "func_info", "func_News"} {
			if hasInfos {
				var shadowed MiniProgram
				text, _ := json.Marshal(map[string]json.RawMessage{"func_infos": left[name]})
				if left[name] != nil && shadowed.UnmarshalJSON(text) == nil &&
					shadowed.Has("func_infos") {
					delete(left, name)
				}
			} else if _, kept := m.Extra[name]; left[name] != nil && !kept &&
				sameInfos(t, m.FuncInfos, left[name]) {
				hasInfos = true
				delete(left, name)
			}
		}
		got := present(m.Has, map[string]any{
			"status":                int(m.Status),
			"username":              m.Username,
			"appid":                 m.AppID,
			"source":                m.Source,
			"nickname":              m.Nickname,
			"selected":              m.Selected,
			"nearby_display_status": m.NearbyDisplayStatus,
			"released":              m.Released,
			"headimg_url":           m.HeadImgURL,
			"copy_verify_status":    m.CopyVerifyStatus,
			"email":                 m.Email,
		})
		if !reflect.DeepEqual(read, got) || m.Has("func_infos") != hasInfos {
			t.Fatalf("%v, not %v", got, read)
		}
		if !maps.EqualFunc(left, m.Extra, slices.Equal) {
			t.Fatalf("extra is %s, not %s", m.Extra, left)
		}
	})
}
