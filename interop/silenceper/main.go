// The driver of silenceper/wechat: see "The drivers" in ../README.md.
//
// The SDK has no methods for links. They are requests through its functions, as its own methods
// for accounts make them. It does not read the events of a platform either: its server decrypts
// the message, and the driver hands the ticket to the SDK.
package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/silenceper/wechat/v2"
	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/officialaccount/message"
	"github.com/silenceper/wechat/v2/openplatform"
	"github.com/silenceper/wechat/v2/openplatform/config"
	"github.com/silenceper/wechat/v2/util"
)

const linksURL = "https://api.weixin.qq.com/cgi-bin/wxopen/"

type arguments struct {
	Appid   string `json:"appid"`
	Message string `json:"message"`
}

type driver struct {
	platform *openplatform.OpenPlatform
	// What the pushes brought.
	ticket, code atomic.Value
	// What the exchange of the code brought.
	account, refreshToken string
}

func (d *driver) push(writer http.ResponseWriter, request *http.Request) error {
	server := d.platform.GetServer(request, writer)
	server.SetMessageHandler(func(event *message.MixMessage) *message.Reply {
		switch event.InfoType {
		case message.InfoTypeVerifyTicket:
			d.ticket.Store(event.ComponentVerifyTicket)
		case message.InfoTypeAuthorized:
			d.code.Store(event.AuthorizationCode)
		}
		return nil
	})
	if err := server.Serve(); err != nil {
		return err
	}
	_, err := io.WriteString(writer, "success")
	return err
}

func (d *driver) platformToken(arguments) (any, error) {
	ticket, _ := d.ticket.Load().(string)
	_, err := d.platform.SetComponentAccessToken(context.Background(), ticket)
	return nil, err
}

func (d *driver) preAuthCode(arguments) (any, error) {
	code, err := d.platform.GetPreCode()
	return map[string]string{"code": code}, err
}

func (d *driver) queryAuth(arguments) (any, error) {
	code, _ := d.code.Load().(string)
	info, err := d.platform.QueryAuthCode(code)
	if err != nil {
		return nil, err
	}
	d.account, d.refreshToken = info.Appid, info.RefreshToken
	return map[string]string{"account": d.account}, nil
}

func (d *driver) refresh(arguments) (any, error) {
	token, err := d.platform.RefreshAuthrToken(d.account, d.refreshToken)
	if err == nil {
		d.refreshToken = token.RefreshToken
	}
	return nil, err
}

func (d *driver) link(a arguments) (any, error) {
	body := map[string]any{"appid": a.Appid, "notify_users": 0, "show_profile": 0}
	_, err := d.call("wxamplink", body)
	return nil, err
}

func (d *driver) list(arguments) (any, error) {
	var answer struct {
		Wxopens struct {
			Items []struct {
				Appid  string `json:"appid"`
				Status int    `json:"status"`
			} `json:"items"`
		} `json:"wxopens"`
	}
	response, err := d.call("wxamplinkget", map[string]any{})
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(response, &answer)
	return map[string]any{"links": answer.Wxopens.Items}, err
}

func (d *driver) unlink(a arguments) (any, error) {
	_, err := d.call("wxampunlink", map[string]any{"appid": a.Appid})
	return nil, err
}

func (d *driver) call(name string, body any) ([]byte, error) {
	account := d.platform.GetOfficialAccount(d.account)
	token, err := account.GetContext().GetAccessToken()
	if err != nil {
		return nil, err
	}
	response, err := util.PostJSON(linksURL+name+"?access_token="+token, body)
	if err != nil {
		return nil, err
	}
	return response, util.DecodeWithCommonError(response, name)
}

func (d *driver) encrypt(a arguments) (any, error) {
	settings := d.platform.Config
	random := []byte(util.RandomStr(16))
	encrypted, err := util.EncryptMsg(
		random, []byte(a.Message), settings.AppID, settings.EncodingAESKey)
	if err != nil {
		return nil, err
	}
	now, nonce := time.Now().Unix(), util.RandomStr(10)
	document, err := xml.Marshal(message.ResponseEncryptedXMLMsg{
		EncryptedMsg: string(encrypted),
		MsgSignature: util.Signature(
			settings.Token, fmt.Sprint(now), nonce, string(encrypted)),
		Timestamp: now,
		Nonce:     nonce,
	})
	return map[string]string{"document": string(document)}, err
}

// answers makes a handler of a command.
func answers(command func(arguments) (any, error)) http.HandlerFunc {
	return reports(func(writer http.ResponseWriter, request *http.Request) error {
		var a arguments
		if err := json.NewDecoder(request.Body).Decode(&a); err != nil {
			return err
		}
		answer, err := command(a)
		if err != nil {
			return err
		}
		return json.NewEncoder(writer).Encode(answer)
	})
}

// reports makes a handler that logs errors and answers with them.
func reports(handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(writer http.ResponseWriter, request *http.Request) {
		if err := handle(writer, request); err != nil {
			log.Print(request.URL.Path, " failed: ", err)
			writer.WriteHeader(http.StatusInternalServerError)
			err = json.NewEncoder(writer).Encode(map[string]string{"error": err.Error()})
			if err != nil && !errors.Is(err, net.ErrClosed) {
				log.Print(err)
			}
		}
	}
}

func main() {
	d := driver{platform: wechat.NewWechat().GetOpenPlatform(&config.Config{
		AppID:          os.Getenv("INTEROP_APPID"),
		AppSecret:      os.Getenv("INTEROP_APPSECRET"),
		Token:          os.Getenv("INTEROP_TOKEN"),
		EncodingAESKey: os.Getenv("INTEROP_AES_KEY"),
		Cache:          cache.NewMemory(),
	})}
	http.HandleFunc("/push", reports(d.push))
	http.HandleFunc("/platform_token", answers(d.platformToken))
	http.HandleFunc("/pre_auth_code", answers(d.preAuthCode))
	http.HandleFunc("/query_auth", answers(d.queryAuth))
	http.HandleFunc("/refresh", answers(d.refresh))
	http.HandleFunc("/link", answers(d.link))
	http.HandleFunc("/list", answers(d.list))
	http.HandleFunc("/unlink", answers(d.unlink))
	http.HandleFunc("/encrypt", answers(d.encrypt))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, nil))
}
