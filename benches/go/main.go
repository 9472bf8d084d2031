// Makes the calls that the harness asks for on standard input, one after the other: see c/driver.c.
//
//	calls wxlink|http URL
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"wxlink.dev/go/wxlink"
)

const (
	fill  = "0123456789_abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	appID = "wx0b00000000000001"
)

// A peer links, or reads the list with every item's fields.
type peer interface {
	link(token string) error
	list(token string) (items int, err error)
}

type ours struct{ client *wxlink.Client }

func (p ours) link(token string) error {
	_, err := p.client.LinkMiniProgram(
		context.Background(), token, appID, wxlink.NotifyNobody, wxlink.ShowInProfile)
	return err
}

func (p ours) list(token string) (int, error) {
	list, err := p.client.GetLinked(context.Background(), token)
	return len(list.Items), err
}

// What a Go programmer would write.
type theirs struct {
	base   string
	client *http.Client
}

type verdict struct {
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
}

type list struct {
	verdict
	WXOpens struct {
		Items []struct {
			Status              int    `json:"status"`
			Username            string `json:"username"`
			AppID               string `json:"appid"`
			Source              string `json:"source"`
			Nickname            string `json:"nickname"`
			Selected            int    `json:"selected"`
			NearbyDisplayStatus int    `json:"nearby_display_status"`
			Released            int    `json:"released"`
			HeadimgURL          string `json:"headimg_url"`
			FuncInfos           []struct {
				Status int    `json:"status"`
				ID     int    `json:"id"`
				Name   string `json:"name"`
			} `json:"func_infos"`
			CopyVerifyStatus int    `json:"copy_verify_status"`
			Email            string `json:"email"`
		} `json:"items"`
	} `json:"wxopens"`
}

func (p theirs) post(path, token string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	address := p.base + "/cgi-bin/wxopen/" + path + "?access_token=" + url.QueryEscape(token)
	response, err := p.client.Post(address, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(answer)
}

func (p theirs) link(token string) error {
	var answer verdict
	err := p.post("wxamplink", token, struct {
		AppID       string `json:"appid"`
		NotifyUsers int    `json:"notify_users"`
		ShowProfile int    `json:"show_profile"`
	}{appID, 0, 1}, &answer)
	if err == nil && answer.Errcode != 0 {
		err = fmt.Errorf("errcode %d", answer.Errcode)
	}
	return err
}

func (p theirs) list(token string) (int, error) {
	var answer list
	err := p.post("wxamplinkget", token, struct{}{}, &answer)
	if err == nil && answer.Errcode != 0 {
		err = fmt.Errorf("errcode %d", answer.Errcode)
	}
	return len(answer.WXOpens.Items), err
}

func call(p peer, kind string) error {
	token, want := "A"+fill+fill, 50
	if kind == "list500" {
		token, want = "B"+fill+fill, 500
	}
	if kind == "link" {
		return p.link(token)
	}
	items, err := p.list(token)
	if err == nil && items != want {
		err = fmt.Errorf("%d items", items)
	}
	return err
}

func main() {
	var p peer
	if os.Args[1] == "wxlink" {
		client, err := wxlink.New(wxlink.WithBaseURL(os.Args[2]))
		if err != nil {
			panic(err)
		}
		defer client.Close()
		p = ours{client}
	} else {
		p = theirs{os.Args[2], &http.Client{Timeout: 10 * time.Second}}
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var kind string
		var count int
		if _, err := fmt.Sscan(lines.Text(), &kind, &count); err != nil {
			panic(err)
		}
		start := time.Now()
		for range count {
			if err := call(p, kind); err != nil {
				panic(err)
			}
		}
		fmt.Println(time.Since(start).Nanoseconds() / int64(count))
	}
}
