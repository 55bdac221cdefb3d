package mondayclient

import (
	"errors"
	"strconv"
)

// The limits of jsonb, with room for the job that will contain the body.
const (
	maxDepth  = 100
	maxDigits = 10_000 // before and after the point together, an exponent written out
)

var (
	errDeep      = errors.New("nested too deeply")
	errNUL       = errors.New("holds a NUL character")
	errSurrogate = errors.New("holds half of a surrogate pair")
	errNumber    = errors.New("holds a number that is too long")
)

// storable returns an error if Postgres cannot store a body as jsonb: JSON allows texts and numbers that jsonb does
// not. The body must be valid JSON.
//
// https://www.postgresql.org/docs/current/datatype-json.html
func storable(body []byte) error {
	for i, depth := 0, 0; i < len(body); {
		n, err := 1, error(nil)
		switch c := body[i]; {
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				err = errDeep
			}
		case c == '}' || c == ']':
			depth--
		case c == '"':
			n, err = scanString(body[i:])
		case c == '-' || isDigit(c):
			n, err = scanNumber(body[i:])
		}
		if err != nil {
			return err
		}
		i += n
	}
	return nil
}

// scanString returns the length of the string at the start of the text, quotes included.
func scanString(s []byte) (int, error) {
	for i := 1; ; {
		switch {
		case s[i] == '"':
			return i + 1, nil
		case s[i] != '\\':
			i++
		case s[i+1] != 'u':
			i += 2
		default:
			n, err := scanUnicode(s[i:])
			if err != nil {
				return 0, err
			}
			i += n
		}
	}
}

// scanUnicode returns the length of a \u escape, or of the two escapes of a surrogate pair.
func scanUnicode(s []byte) (int, error) {
	switch u := escaped(s); {
	case u == 0:
		return 0, errNUL
	case u >= 0xD800 && u < 0xDC00:
		if next := s[6:]; next[0] == '\\' && next[1] == 'u' {
			if low := escaped(next); low >= 0xDC00 && low < 0xE000 {
				return 12, nil
			}
		}
		return 0, errSurrogate
	case u >= 0xDC00 && u < 0xE000:
		return 0, errSurrogate
	}
	return 6, nil
}

func escaped(s []byte) uint64 {
	u, _ := strconv.ParseUint(string(s[2:6]), 16, 16) // valid JSON has four digits here
	return u
}

// scanNumber returns the length of the number at the start of the text.
func scanNumber(s []byte) (int, error) {
	n, exponent := 0, 0
	for n < len(s) && (isDigit(s[n]) || s[n] == '.' || s[n] == '-' || s[n] == '+' || s[n] == 'e' || s[n] == 'E') {
		if s[n] == 'e' || s[n] == 'E' {
			exponent = n + 1
		}
		n++
	}
	size := n
	if exponent > 0 {
		power, err := strconv.Atoi(string(s[exponent:n]))
		if err != nil {
			return 0, errNumber
		}
		size += max(power, -power)
	}
	if size < 0 || size > maxDigits {
		return 0, errNumber
	}
	return n, nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
