package wxlink

// #include <wxlink.h>
import "C"

import (
	"encoding/json"
	"errors"
	"strconv"
	"unsafe"
)

// A Result is what became of a call.
type Result struct {
	Status   Status
	Errcode  int // WeChat's; 0 for a yes, and if WeChat did not answer
	Class    Class
	Delivery Delivery
	// HTTPStatus is that of the last answer, 0 if there was none. WeChat's refusals come with 200
	// too.
	HTTPStatus int
	// RID is the id that WeChat's support asks for; empty if WeChat gave none.
	RID string
	// JSON is WeChat's answer byte for byte, if WeChat answered; else {"errcode":...,"errmsg":...}
	// with the status as errcode. For EnsureLinked and WaitLinked it is what [Progress] is read from.
	JSON json.RawMessage
	// Trace tells everything that was tried, for logs and support. It holds no access token.
	Trace json.RawMessage
}

// read copies a result out of the library's memory.
func read(result *C.wx_result, status Status) Result {
	var n C.size_t
	body := C.wx_result_json(result, &n)
	r := Result{
		Status:     status,
		Errcode:    int(C.wx_result_errcode(result)),
		Class:      Class(C.GoString(C.wx_result_class(result))),
		Delivery:   Delivery(C.wx_result_delivery(result)),
		HTTPStatus: int(C.wx_result_http_status(result)),
		RID:        C.GoString(C.wx_result_rid(result)),
		JSON:       C.GoBytes(unsafe.Pointer(body), C.int(n)),
		Trace:      json.RawMessage(C.GoString(C.wx_result_trace(result))),
	}
	if r.Errcode == int(status) {
		r.Errcode = 0 // the library has put the status where WeChat gave nothing
	}
	return r
}

// A List holds the mini programs that are linked to an Official Account and those on their way, in
// WeChat's order. It may hold service accounts as well.
type List struct {
	Result
	Items []MiniProgram
}

// Find gives the first item with that appid or original id, or nil.
func (l List) Find(id string) *MiniProgram {
	for i := range l.Items {
		if m := &l.Items[i]; m.Has("appid") && m.AppID == id || m.Has("username") && m.Username == id {
			return m
		}
	}
	return nil
}

// readList reads the items out of an answer. Structs will not do on the way to them: encoding/json
// does not tell wxopens from Wxopens.
func readList(r Result) (List, error) {
	list := List{Result: r}
	err := func() error {
		var answer, wxopens map[string]json.RawMessage
		if err := json.Unmarshal(r.JSON, &answer); err != nil {
			return err
		}
		opens := answer["wxopens"]
		if opens == nil || string(opens) == "[]" { // two ways to say that there is nothing
			return nil
		}
		if err := json.Unmarshal(opens, &wxopens); err != nil {
			return errors.New("a list whose wxopens is not an object")
		}
		if wxopens["items"] == nil {
			return nil
		}
		return json.Unmarshal(wxopens["items"], &list.Items)
	}()
	if err == nil {
		return list, nil
	}
	e := refused(StatusBadAnswer, "this is no list: "+err.Error())
	list.Status = StatusBadAnswer
	e.Result = list.Result
	return list, e
}

// A LinkStatus says how far a link has come. WeChat may add more.
type LinkStatus int

const (
	Linked                  LinkStatus = 1
	AwaitingMiniProgram     LinkStatus = 2
	RefusedByMiniProgram    LinkStatus = 3
	AwaitingOfficialAccount LinkStatus = 12
)

// String says it in words; a status that nobody has described is its number.
func (s LinkStatus) String() string {
	switch s {
	case Linked:
		return "linked"
	case AwaitingMiniProgram:
		return "waiting for the mini program's administrator"
	case RefusedByMiniProgram:
		return "refused by the mini program's administrator"
	case AwaitingOfficialAccount:
		return "waiting for the Official Account's administrator"
	}
	return strconv.Itoa(int(s))
}

// A MiniProgram is one item of the list. Every field may be missing, and is then zero: Has tells
// the difference.
type MiniProgram struct {
	Status              LinkStatus
	Username            string // the original id, gh_...
	AppID               string // refused items have none
	Source              string // seen as SOURCE_NORMAL; WeChat does not say what it means
	Nickname            string // the display name
	Selected            int    // 1: shown in the Official Account's page
	NearbyDisplayStatus int    // 1: shown in "nearby mini programs", which forbids unlinking
	Released            int    // 1: published
	HeadImgURL          string // the picture's address
	FuncInfos           []FuncInfo
	CopyVerifyStatus    int    // seen as 1; WeChat does not say what it means
	Email               string // the mini program's mail address
	// Extra holds every other field, and known ones whose value has another type than expected.
	Extra map[string]json.RawMessage

	has fieldSet
}

// A FuncInfo is a capability of a mini program.
type FuncInfo struct {
	ID     int    // 1: WeChat verification; 2: WeChat Pay
	Status int    // 0: closed; 1: open
	Name   string // in Chinese
	// Extra holds every other field.
	Extra map[string]json.RawMessage

	has fieldSet
}

// Has says whether the list held the field, by WeChat's name for it, such as "released".
func (m *MiniProgram) Has(field string) bool { return m.has[field] }

// Has says whether the list held the field, by WeChat's name for it.
func (f *FuncInfo) Has(field string) bool { return f.has[field] }

// UnmarshalJSON reads an item as WeChat sends it.
func (m *MiniProgram) UnmarshalJSON(data []byte) error {
	f, err := readFields(data)
	if err != nil {
		return errors.New("an item that is not an object")
	}
	*m = MiniProgram{
		Status:              LinkStatus(f.number("status")),
		Username:            f.text("username"),
		AppID:               f.text("appid"),
		Source:              f.text("source"),
		Nickname:            f.text("nickname"),
		Selected:            f.number("selected"),
		NearbyDisplayStatus: f.number("nearby_display_status"),
		Released:            f.number("released"),
		HeadImgURL:          f.text("headimg_url"),
		FuncInfos:           f.funcInfos(),
		CopyVerifyStatus:    f.number("copy_verify_status"),
		Email:               f.text("email"),
		Extra:               f.left,
		has:                 f.taken,
	}
	return nil
}

// UnmarshalJSON reads a capability as WeChat sends it.
func (i *FuncInfo) UnmarshalJSON(data []byte) error {
	f, err := readFields(data)
	if err != nil {
		return err
	}
	*i = FuncInfo{ID: f.number("id"), Status: f.number("status"), Name: f.text("name"), Extra: f.left, has: f.taken}
	return nil
}

type fieldSet map[string]bool

// fields are those of an object that are not read yet; what does not have the expected type stays.
type fields struct {
	left  map[string]json.RawMessage
	taken fieldSet
}

func readFields(data []byte) (fields, error) {
	f := fields{taken: fieldSet{}}
	if err := json.Unmarshal(data, &f.left); err != nil {
		return f, err
	}
	if f.left == nil {
		return f, errors.New("null is not an object")
	}
	return f, nil
}

func (f fields) took(name string) {
	delete(f.left, name)
	f.taken[name] = true
}

func (f fields) text(name string) string {
	s, ok := text(f.left[name])
	if ok {
		f.took(name)
	}
	return s
}

// number reads a number, or one in a string.
func (f fields) number(name string) int {
	digits, ok := text(f.left[name])
	if !ok {
		digits = string(f.left[name])
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	f.took(name)
	return n
}

// funcInfos reads the capabilities under their true name or those that WeChat's pages have printed.
func (f fields) funcInfos() []FuncInfo {
	for _, name := range []string{"func_infos", "func_info", "func_News"} {
		var infos []FuncInfo
		if json.Unmarshal(f.left[name], &infos) == nil && infos != nil {
			delete(f.left, name)
			f.taken["func_infos"] = true
			return infos
		}
	}
	return nil
}

// text is the text in a JSON string; false if it is something else.
func text(raw json.RawMessage) (s string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(raw, &s) == nil
}

// A State says how far EnsureLinked or WaitLinked found a link.
type State string

const (
	StateLinked   State = "linked"
	StatePending  State = "pending"
	StateDeclined State = "declined"
	StateVanished State = "vanished"
	StateUnknown  State = "unknown" // the list could not be read
	StateAbsent   State = "absent"  // only in Progress.Found: no trace in the list
)

// An Administrator is somebody who must agree to a link.
type Administrator string

const (
	OfficialAccountAdministrator Administrator = "official_account"
	MiniProgramAdministrator     Administrator = "mini_program"
)

// Progress is how far EnsureLinked or WaitLinked came.
type Progress struct {
	Result
	State    State
	WaitsFor Administrator // empty if nobody, or if the list does not say who
	Item     *MiniProgram  // as the list showed it last; nil if it did not
	Found    State         // what the list showed at first
	Posts    int           // the links of which WeChat may have seen something
}

// readProgress reads the library's own JSON. What never came as far as the library leaves the state
// unknown.
func readProgress(r Result) Progress {
	p := Progress{Result: r, State: StateUnknown, Found: StateUnknown}
	var told struct {
		State    State           `json:"state"`
		WaitsFor Administrator   `json:"waits_for"`
		Item     json.RawMessage `json:"item"`
		Found    State           `json:"found"`
		Posts    int             `json:"posts"`
	}
	if json.Unmarshal(r.JSON, &told) != nil || told.State == "" {
		return p
	}
	p.State, p.WaitsFor, p.Found, p.Posts = told.State, told.WaitsFor, told.Found, told.Posts
	var item MiniProgram
	if item.UnmarshalJSON(told.Item) == nil {
		p.Item = &item
	}
	return p
}
