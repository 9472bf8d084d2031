package wxlink

import (
	"encoding/json"
	"strconv"
	"strings"
)

// A reader finds its way in a text that is known to be JSON: what the library hands over, or
// encoding/json has seen. It checks nothing again, which is most of what encoding/json does; what is
// no JSON it reads as anything, but to its end.
type reader struct {
	json string
	at   int
}

// next is what the next value begins with; a closing bracket if there is none, 0 at the end.
func (r *reader) next() byte {
	for ; r.at < len(r.json); r.at++ {
		switch c := r.json[r.at]; c {
		// Separators say nothing that is not known: they count as white space.
		case ',', ':', ' ', '\n', '\r', '\t':
		default:
			return c
		}
	}
	return 0
}

// enter goes into the next value if it begins with that bracket. To be followed by more.
func (r *reader) enter(bracket byte) bool {
	if r.next() != bracket {
		return false
	}
	r.at++
	return true
}

// more says whether there is another field or item, and leaves if there is none.
func (r *reader) more() bool {
	switch r.next() {
	case '}', ']', 0:
		r.at = min(r.at+1, len(r.json))
		return false
	}
	return true
}

// text reads the next value, which is a text.
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

// raw is the next value as it is written.
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

// skipText says whether the text has no escapes.
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

// readText reads the next value if it is a text, and says whether it is.
func readText(r *reader, into *string) bool {
	*into = ""
	if r.next() != '"' {
		return false
	}
	*into = r.text()
	return true
}

// readNumber reads the next value if it is a number, or one in a text, and says whether it is.
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
