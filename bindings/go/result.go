package wxlink

// #include <wxlink.h>
import "C"

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"
	"unsafe"
)

// A Result is the result of a call.
type Result struct {
	Status   Status
	Errcode  int // WeChat's errcode; 0 after a success, and if WeChat did not answer
	Class    Class
	Delivery Delivery
	// Message is for people: what happened and what to do, in the client's language. It is empty
	// after a success and contains no access token.
	Message string
	// HTTPStatus is that of the last answer, 0 if there was none. WeChat refuses with 200, too.
	HTTPStatus int
	// RID is the id that WeChat's support asks for; empty if WeChat gave none.
	RID string
	// JSON is WeChat's answer byte for byte if WeChat answered, else {"errcode":...,"errmsg":...}
	// with the status as errcode. After EnsureLinked and WaitLinked it is the JSON of [Progress].
	JSON json.RawMessage
	// Trace has every attempt with host, phase and milliseconds, for logs and support. It contains
	// no access token.
	Trace json.RawMessage
}

// read copies a result out of the library's memory.
func read(result *C.wx_result, status Status) Result {
	var n C.size_t
	body := C.wx_result_json(result, &n)
	r := Result{
		Status:     status,
		Errcode:    int(C.wx_result_errcode(result)),
		Class:      classOf(result),
		Delivery:   Delivery(C.wx_result_delivery(result)),
		Message:    C.GoString(C.wx_result_message(result)),
		HTTPStatus: int(C.wx_result_http_status(result)),
		RID:        C.GoString(C.wx_result_rid(result)),
		JSON:       C.GoBytes(unsafe.Pointer(body), C.int(n)),
		Trace:      json.RawMessage(C.GoString(C.wx_result_trace(result))),
	}
	if r.Errcode == int(status) {
		r.Errcode = 0 // The library returns the status if WeChat sent no errcode.
	}
	return r
}

// classOf returns the class of a result.
func classOf(result *C.wx_result) Class {
	return Class(C.GoString(C.wx_class_text(C.wx_result_class(result), nil, nil)))
}

// A List has the mini programs that are linked to an Official Account or on their way, in WeChat's
// order. WeChat may list service accounts as well. A name of WeChat's that is cut within a character
// or contains control characters has U+FFFD in place of what cannot be read.
type List struct {
	Result
	Items []MiniProgram
}

// Find returns the first item with that appid or original id, or nil.
func (l List) Find(appIDOrGhID string) *MiniProgram {
	for i := range l.Items {
		m := &l.Items[i]
		if m.Has("appid") && m.AppID == appIDOrGhID ||
			m.Has("username") && m.Username == appIDOrGhID {
			return m
		}
	}
	return nil
}

// readItems reads the items of a list that the library has validated.
func readItems(result *C.wx_result) []MiniProgram {
	var n C.size_t
	array := C.wx_list_json(result, &n)
	items := make([]MiniProgram, C.wx_list_length(result))
	from := &reader{json: C.GoStringN(array, C.int(n))}
	from.enter('[')
	for i := range items {
		items[i].read(from)
	}
	return items
}

// A LinkStatus is how far the list shows a link to be. WeChat may add more.
type LinkStatus int

// String describes the status; an unknown one is its number.
func (s LinkStatus) String() string {
	switch s {
	case Linked:
		return "linked"
	case AwaitingMiniProgram:
		return "waiting for the mini program's administrator"
	case Refused:
		return "refused by the mini program's administrator"
	case AwaitingOfficialAccount:
		return "waiting for the Official Account's administrator"
	}
	return strconv.Itoa(int(s))
}

// A MiniProgram is one item of the list. Every field may be missing and is then zero; Has reports
// whether it was there.
type MiniProgram struct {
	Status              LinkStatus
	Username            string // the original id, gh_...; Has is false if it is empty
	AppID               string // refused items have none; Has is false if it is empty
	Source              string // seen as SOURCE_NORMAL; WeChat does not document it
	Nickname            string // the display name
	Selected            int    // 1: shown in the Official Account's page
	NearbyDisplayStatus int    // 1: shown in "nearby mini programs", which forbids unlinking
	Released            int    // 1: published
	HeadImgURL          string // the URL of the picture
	FuncInfos           []FuncInfo
	CopyVerifyStatus    int    // seen as 1; WeChat does not document it
	Email               string // the mini program's mail address
	// Extra has every other field, and known fields whose value is of an unexpected type; nil if
	// there are none.
	Extra map[string]json.RawMessage

	has fieldSet
}

// A FuncInfo is a capability of a mini program.
type FuncInfo struct {
	ID     int    // 1: WeChat verification; 2: WeChat Pay
	Status int    // 0: closed; 1: open
	Name   string // in Chinese
	// Extra has every other field; nil if there are none.
	Extra map[string]json.RawMessage

	has fieldSet
}

// Has reports whether the list had the field, by WeChat's name for it, such as "released".
func (m *MiniProgram) Has(field string) bool { return m.has&bit(field) != 0 }

// Has reports whether the list had the field, by WeChat's name for it.
func (i *FuncInfo) Has(field string) bool { return i.has&bit(field) != 0 }

// UnmarshalJSON reads an item as WeChat sends it.
func (m *MiniProgram) UnmarshalJSON(data []byte) error {
	if !json.Valid(data) || !m.read(&reader{json: string(data)}) {
		return errors.New("wxlink: the item is not a JSON object")
	}
	return nil
}

// UnmarshalJSON reads a capability as WeChat sends it.
func (i *FuncInfo) UnmarshalJSON(data []byte) error {
	if !json.Valid(data) || !i.read(&reader{json: string(data)}) {
		return errors.New("wxlink: the capability is not a JSON object")
	}
	return nil
}

// read reads an object, and reports whether there is one.
func (m *MiniProgram) read(from *reader) bool {
	*m = MiniProgram{}
	if !from.enter('{') {
		return false
	}
	// The name in WeChat's answers first, then the names that its documentation has printed.
	var infos [3][]FuncInfo
	for from.more() {
		key := from.text()
		value := *from
		fits := false
		switch key {
		case "status":
			fits = readNumber(from, &m.Status)
		case "username":
			fits = readText(from, &m.Username)
		case "appid":
			fits = readText(from, &m.AppID)
		case "source":
			fits = readText(from, &m.Source)
		case "nickname":
			fits = readText(from, &m.Nickname)
		case "selected":
			fits = readNumber(from, &m.Selected)
		case "nearby_display_status":
			fits = readNumber(from, &m.NearbyDisplayStatus)
		case "released":
			fits = readNumber(from, &m.Released)
		case "headimg_url":
			fits = readText(from, &m.HeadImgURL)
		case "copy_verify_status":
			fits = readNumber(from, &m.CopyVerifyStatus)
		case "email":
			fits = readText(from, &m.Email)
		case "func_infos":
			fits = readFuncInfos(from, &infos[0])
		case "func_info":
			fits = readFuncInfos(from, &infos[1])
		case "func_News":
			fits = readFuncInfos(from, &infos[2])
		}
		note(key, fits, &m.has, &m.Extra, from, value)
	}
	if m.Username == "" {
		m.has &^= bit("username")
	}
	if m.AppID == "" {
		m.has &^= bit("appid")
	}
	m.has &^= bit("func_infos")
	for _, infos := range infos {
		if infos != nil {
			m.FuncInfos = infos
			m.has |= bit("func_infos")
			break
		}
	}
	return true
}

// readFuncInfos reads an array of objects, and reports whether there is one.
func readFuncInfos(from *reader, into *[]FuncInfo) bool {
	*into = nil
	if !from.enter('[') {
		return false
	}
	infos := make([]FuncInfo, 0, 2)
	for from.more() {
		infos = append(infos, FuncInfo{})
		if !infos[len(infos)-1].read(from) {
			return false
		}
	}
	*into = infos
	return true
}

// read reads an object, and reports whether there is one.
func (i *FuncInfo) read(from *reader) bool {
	*i = FuncInfo{}
	if !from.enter('{') {
		return false
	}
	for from.more() {
		key := from.text()
		value := *from
		fits := false
		switch key {
		case "id":
			fits = readNumber(from, &i.ID)
		case "status":
			fits = readNumber(from, &i.Status)
		case "name":
			fits = readText(from, &i.Name)
		}
		note(key, fits, &i.has, &i.Extra, from, value)
	}
	return true
}

// note records that a field was there, or keeps its value in extra if it is of an unexpected type.
// If a field occurs twice, the last one counts.
func note(
	key string, fits bool, has *fieldSet, extra *map[string]json.RawMessage, from *reader,
	value reader,
) {
	if fits {
		*has |= bit(key)
		delete(*extra, key)
		return
	}
	*has &^= bit(key)
	*from = value
	if *extra == nil {
		*extra = map[string]json.RawMessage{}
	}
	(*extra)[key] = json.RawMessage(from.raw())
}

// A fieldSet has a bit for each known field.
type fieldSet uint16

func bit(field string) fieldSet {
	switch field {
	case "status":
		return 1 << 0
	case "username":
		return 1 << 1
	case "appid":
		return 1 << 2
	case "source":
		return 1 << 3
	case "nickname":
		return 1 << 4
	case "selected":
		return 1 << 5
	case "nearby_display_status":
		return 1 << 6
	case "released":
		return 1 << 7
	case "headimg_url":
		return 1 << 8
	case "func_infos":
		return 1 << 9
	case "copy_verify_status":
		return 1 << 10
	case "email":
		return 1 << 11
	case "id":
		return 1 << 12
	case "name":
		return 1 << 13
	}
	return 0
}

// A State is how far a link has come.
type State string

const (
	// The mini program is linked.
	StateLinked State = "linked"

	// An invitation is out and waits for an administrator.
	StatePending State = "pending"

	// The mini program's administrator refused.
	StateDeclined State = "declined"

	// The mini program was in the list and is no longer; after a wait also: it is not in the list.
	StateVanished State = "vanished"

	// The list does not show the mini program, and an earlier invitation may still take effect.
	// Nothing else is posted until Progress.RetryAfter has passed.
	StateInDoubt State = "in_doubt"

	// The list could not be read.
	StateUnknown State = "unknown"

	// Only in Progress.Found: the list shows no trace of the mini program.
	StateAbsent State = "absent"
)

// An Administrator must agree to a link before it can go further.
type Administrator string

const (
	OfficialAccountAdministrator Administrator = "official_account"
	MiniProgramAdministrator     Administrator = "mini_program"
)

// Progress is the result of EnsureLinked and WaitLinked.
type Progress struct {
	Result
	State    State
	WaitsFor Administrator // empty if it waits for none, or the list does not show for which
	Item     *MiniProgram  // as the list showed it last; nil if the list did not show it
	Found    State         // what the list showed before anything was posted
	Posts    int           // the links of which WeChat may have seen something

	// With StateInDoubt: how long an earlier invitation may still take effect.
	RetryAfter time.Duration
}

// readProgress reads the library's JSON. If the call did not reach the library, the state is
// unknown.
func readProgress(r Result) Progress {
	p := Progress{Result: r, State: StateUnknown, Found: StateUnknown}
	var answer struct {
		State    State           `json:"state"`
		WaitsFor Administrator   `json:"waits_for"`
		Item     json.RawMessage `json:"item"`
		Found    State           `json:"found"`
		Posts    int             `json:"posts"`
		RetryMs  int64           `json:"retry_after_ms"`
	}
	if json.Unmarshal(r.JSON, &answer) != nil || answer.State == "" {
		return p
	}
	p.State, p.WaitsFor = answer.State, answer.WaitsFor
	p.Found, p.Posts = answer.Found, answer.Posts
	p.RetryAfter = time.Duration(answer.RetryMs) * time.Millisecond
	var item MiniProgram
	if item.UnmarshalJSON(answer.Item) == nil {
		p.Item = &item
	}
	return p
}
