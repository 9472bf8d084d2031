// Command conform makes the calls that the shared test vectors ask for, through this package.
//
// It reads one request per line from stdin and answers each with one line on stdout. A request is a
// verb and fields KEY=VALUE, an answer only fields; tabs separate them, and values are
// percent-encoded.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"wxlink.dev/go/wxlink"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	for in.Scan() {
		request, err := parse(in.Text())
		if err != nil {
			log.Fatal(err)
		}
		if _, err := fmt.Println(request.answer().String()); err != nil {
			log.Fatal(err)
		}
	}
	if err := in.Err(); err != nil {
		log.Fatal(err)
	}
}

type request struct {
	verb    string
	args    map[string]string
	options []wxlink.Option
}

func parse(line string) (request, error) {
	fields := strings.Split(line, "\t")
	r := request{verb: fields[0], args: map[string]string{}}
	for _, field := range fields[1:] {
		key, encoded, _ := strings.Cut(field, "=")
		value, err := url.PathUnescape(encoded)
		if err != nil {
			return r, err
		}
		if option, ok := strings.CutPrefix(key, "option."); ok {
			r.options = append(r.options, wxlink.WithOption(option, value))
		} else {
			r.args[key] = value
		}
	}
	return r, nil
}

// number parses a numeric argument; a missing one is 0.
func (r request) number(key string) int {
	text, ok := r.args[key]
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		log.Fatalf("%s: %v", key, err)
	}
	return int(n)
}

func (r request) answer() *reply {
	out := &reply{}
	switch r.verb {
	case "option":
		err := wxlink.CheckOption(r.args["key"], r.args["value"])
		out.add("status", resultOf(wxlink.Result{}, err).Status)
		out.add("message", resultOf(wxlink.Result{}, err).Message)
		return out
	case "errcodes":
		endpoint := wxlink.Endpoint(r.args["endpoint"])
		about, ok := wxlink.Describe(endpoint, r.number("errcode"), wxlink.LangEN)
		if !ok {
			out.add("status", wxlink.StatusNotFound)
			return out
		}
		out.add("status", wxlink.StatusOK)
		out.add("name", about.Name)
		out.add("class", about.Class)
		out.add("meaning", about.Meaning)
		out.add("remedy", about.Remedy)
		return out
	}
	client, err := wxlink.New(r.options...)
	if err != nil {
		out.result(wxlink.Result{}, err)
		return out
	}
	defer client.Close()
	r.call(client, out)
	return out
}

func (r request) call(client *wxlink.Client, out *reply) {
	ctx, token, appID := context.Background(), r.args["access_token"], r.args["appid"]
	notify := wxlink.Notify(r.number("notify_users"))
	profile := wxlink.Profile(r.number("show_profile"))
	wait := time.Duration(r.number("wait_ms")) * time.Millisecond
	switch r.verb {
	case "link":
		out.result(client.LinkMiniProgram(ctx, token, appID, notify, profile))
	case "unlink":
		out.result(client.UnlinkMiniProgram(ctx, token, appID))
	case "get":
		list, err := client.GetLinked(ctx, token)
		out.result(list.Result, err)
		if err == nil {
			out.items(list.Items)
		}
	case "ensure":
		out.progress(client.EnsureLinked(ctx, token, appID, notify, profile, wait))
	case "wait":
		out.progress(client.WaitLinked(ctx, token, appID, wait))
	case "push":
		out.result(client.AcceptPush(ctx, r.args["query"], []byte(r.args["body"])))
	default:
		log.Fatalf("unknown verb %q", r.verb)
	}
}

// A reply is one line of fields.
type reply struct {
	strings.Builder
}

func (out *reply) add(key string, value any) {
	if out.Len() > 0 {
		out.WriteByte('\t')
	}
	out.WriteString(key)
	out.WriteByte('=')
	for _, b := range []byte(fmt.Sprint(value)) {
		if b < ' ' || b > '~' || b == '%' {
			fmt.Fprintf(out, "%%%02X", b)
		} else {
			out.WriteByte(b)
		}
	}
}

func (out *reply) result(result wxlink.Result, err error) {
	result = resultOf(result, err)
	out.add("status", result.Status)
	switch {
	case result.Errcode != 0 || result.Status == wxlink.StatusOK:
		out.add("errcode", result.Errcode)
	default:
		out.add("errcode", "")
	}
	out.add("class", result.Class)
	out.add("delivery", result.Delivery)
	out.add("http_status", result.HTTPStatus)
	out.add("rid", result.RID)
	out.add("message", result.Message)
	out.add("body", string(result.JSON))
}

func (out *reply) progress(progress wxlink.Progress, err error) {
	out.result(progress.Result, err)
	out.add("state", progress.State)
	out.add("waits_for", progress.WaitsFor)
	out.add("posts", progress.Posts)
}

func (out *reply) items(items []wxlink.MiniProgram) {
	out.add("items", len(items))
	for i, m := range items {
		present := func(field string, value any) {
			if m.Has(field) {
				out.add(fmt.Sprintf("item.%d.%s", i, field), value)
			}
		}
		present("status", int(m.Status))
		present("username", m.Username)
		present("appid", m.AppID)
		present("source", m.Source)
		present("nickname", m.Nickname)
		present("selected", m.Selected)
		present("nearby_display_status", m.NearbyDisplayStatus)
		present("released", m.Released)
		present("headimg_url", m.HeadImgURL)
		present("func_infos", len(m.FuncInfos))
		for j, info := range m.FuncInfos {
			present := func(field string, value any) {
				if info.Has(field) {
					out.add(fmt.Sprintf("item.%d.func_infos.%d.%s", i, j, field), value)
				}
			}
			present("id", info.ID)
			present("status", info.Status)
			present("name", info.Name)
		}
		present("copy_verify_status", m.CopyVerifyStatus)
		present("email", m.Email)
	}
}

// resultOf returns the error's result if there is an error.
func resultOf(result wxlink.Result, err error) wxlink.Result {
	var failure *wxlink.Error
	if errors.As(err, &failure) {
		return failure.Result
	}
	return result
}
