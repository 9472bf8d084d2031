package wxlink

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A reader reads JSON that the library or encoding/json has validated. It does not validate the
// text again, which is most of the work of encoding/json. The values it reads from invalid JSON are
// arbitrary, but it always reaches the end.
type reader struct {
	json string
	at   int
}

// next returns the first byte of the next value, a closing bracket if there is none, or 0 at the
// end.
func (r *reader) next() byte {
	for ; r.at < len(r.json); r.at++ {
		switch c := r.json[r.at]; c {
		// Separators carry no information in valid JSON: they count as white space.
		case ',', ':', ' ', '\n', '\r', '\t':
		default:
			return c
		}
	}
	return 0
}

// enter enters the next value if it starts with that bracket. Call more after it.
func (r *reader) enter(bracket byte) bool {
	if r.next() != bracket {
		return false
	}
	r.at++
	return true
}

// more reports whether there is another field or item. If there is none, it leaves the value.
func (r *reader) more() bool {
	switch r.next() {
	case '}', ']', 0:
		r.at = min(r.at+1, len(r.json))
		return false
	}
	return true
}

// text reads the next value, which must be a string.
func (r *reader) text() string {
	start := r.at
	if r.skipText() {
		return r.json[start+1 : r.at-1]
	}
	var s string
	if json.Unmarshal([]byte(r.json[start:r.at]), &s) != nil {
		return ""
	}
	return s
}

// raw reads the next value and returns its JSON.
func (r *reader) raw() string {
	r.next()
	start := r.at
	r.skip()
	return r.json[start:r.at]
}

func (r *reader) skip() {
	switch r.next() {
	case '"':
		r.skipText()
	case '{', '[':
		r.skipBrackets()
	case 0:
	default:
		for r.at++; r.at < len(r.json); r.at++ {
			switch r.json[r.at] {
			case ',', '}', ']', ' ', '\n', '\r', '\t':
				return
			}
		}
	}
}

// skipText reports whether the string has no escapes.
func (r *reader) skipText() bool {
	rest := r.json[r.at+1:]
	if n := strings.IndexByte(rest, '"'); n >= 0 && strings.IndexByte(rest[:n], '\\') < 0 {
		r.at += n + 2
		return true
	}
	n := 0
	for n < len(rest) && rest[n] != '"' {
		if rest[n] == '\\' {
			n++
		}
		n++
	}
	r.at = min(r.at+n+2, len(r.json))
	return false
}

func (r *reader) skipBrackets() {
	for depth := 0; ; {
		switch r.next() {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case 0:
			return
		default:
			r.skip()
			continue
		}
		r.at++
		if depth == 0 {
			return
		}
	}
}

// readText reads the next value if it is a string, and reports whether it is one.
func readText(r *reader, into *string) bool {
	*into = ""
	if r.next() != '"' {
		return false
	}
	*into = r.text()
	return true
}

// readNumber reads the next value if it is a number or a string of digits, and reports whether it
// is.
func readNumber[T ~int](r *reader, into *T) bool {
	var digits string
	if !readText(r, &digits) {
		digits = r.raw()
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		n = 0
	}
	*into = T(n)
	return err == nil
}
