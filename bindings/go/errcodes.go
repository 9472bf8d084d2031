package wxlink

// #include <stdlib.h>
// #include <wxlink.h>
import "C"

import (
	"math"
	"unsafe"
)

// An Endpoint is one of WeChat's three APIs. An errcode may have different meanings on them.
type Endpoint string

const (
	EndpointAny    Endpoint = "" // the description that holds for every endpoint
	EndpointLink   Endpoint = "link"
	EndpointGet    Endpoint = "get"
	EndpointUnlink Endpoint = "unlink"
)

// A Description describes an errcode.
type Description struct {
	Name    string // such as LINK_MESSAGE_SENT
	Class   Class
	ErrMsg  string // WeChat's own words
	Meaning string
	Remedy  string
}

// Describe looks an errcode up and describes it in English (en) or Chinese (zh); false if the errcode is
// unknown.
func Describe(answered Endpoint, errcode int, lang string) (Description, bool) {
	if errcode < math.MinInt32 || errcode > math.MaxInt32 {
		return Description{}, false
	}
	var api *C.char // NULL for EndpointAny
	if answered != EndpointAny {
		api = C.CString(string(answered))
		defer C.free(unsafe.Pointer(api))
	}
	language := C.CString(lang)
	defer C.free(unsafe.Pointer(language))
	about := func(field string) string {
		name := C.CString(field)
		defer C.free(unsafe.Pointer(name))
		return C.GoString(C.wx_errcode_text(api, C.int32_t(errcode), name, language))
	}
	d := Description{
		Name:    about("name"),
		Class:   Class(about("class")),
		ErrMsg:  about("errmsg"),
		Meaning: about("meaning"),
		Remedy:  about("remedy"),
	}
	return d, d.Name != ""
}
