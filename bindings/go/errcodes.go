package wxlink

// #include <stdlib.h>
// #include <wxlink.h>
import "C"

import (
	"math"
	"unsafe"
)

// An Endpoint is one of WeChat's APIs. An errcode may have different meanings on them.
type Endpoint string

const (
	EndpointAny    Endpoint = "" // the description that holds for every endpoint
	EndpointLink   Endpoint = "link"
	EndpointGet    Endpoint = "get"
	EndpointUnlink Endpoint = "unlink"

	// A platform's calls.
	EndpointComponentToken    Endpoint = "component_token"
	EndpointAuthorizerToken   Endpoint = "authorizer_token"
	EndpointAuthorizerList    Endpoint = "authorizer_list"
	EndpointCreatePreauthcode Endpoint = "create_preauthcode"
	EndpointQueryAuth         Endpoint = "query_auth"
	EndpointAuthorizerInfo    Endpoint = "authorizer_info"
)

// A Description describes an errcode.
type Description struct {
	Name    string // such as LINK_MESSAGE_SENT
	Class   Class
	ErrMsg  string // WeChat's own words
	Meaning string
	Remedy  string
}

// Describe looks up an errcode that the endpoint answered, and describes it in a language; false if
// the errcode is unknown.
func Describe(endpoint Endpoint, errcode int, lang Lang) (Description, bool) {
	if errcode < math.MinInt32 || errcode > math.MaxInt32 {
		return Description{}, false
	}
	var name *C.char // NULL for EndpointAny
	if endpoint != EndpointAny {
		name = C.CString(string(endpoint))
		defer C.free(unsafe.Pointer(name))
	}
	language := C.CString(string(lang))
	defer C.free(unsafe.Pointer(language))
	text := func(field string) string {
		f := C.CString(field)
		defer C.free(unsafe.Pointer(f))
		return C.GoString(C.wx_errcode_text(name, C.int32_t(errcode), f, language))
	}
	d := Description{
		Name:    text("name"),
		Class:   Class(text("class")),
		ErrMsg:  text("errmsg"),
		Meaning: text("meaning"),
		Remedy:  text("remedy"),
	}
	return d, d.Name != ""
}
