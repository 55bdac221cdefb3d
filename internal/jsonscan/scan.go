// Package jsonscan reads JSON objects whose members are few and known, at less cost than decoding them by reflection.
package jsonscan

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
)

// The limits of jsonb, with room for the job that will contain the body.
const (
	maxDepth  = 100
	maxDigits = 10_000 // before and after the point together, an exponent written out
)

var (
	errSyntax    = errors.New("not a JSON object")
	errDeep      = errors.New("nested too deeply")
	errNUL       = errors.New("holds a NUL character")
	errSurrogate = errors.New("holds half of a surrogate pair")
	errNumber    = errors.New("holds a number that is too long")
)

// Member is a member of an object, with its value as written.
type Member struct {
	Of          int // place of the member whose value the object is; Outermost for the outermost object
	Name, Value string
}

// Outermost is the place of the object that no member holds.
const Outermost = -1

// Scan reads a JSON text in one pass, which costs less than a separate pass for each purpose. It checks that the text
// is an object in JSON that Postgres can store as jsonb, since JSON allows texts and numbers that jsonb does not. It
// returns the members of the object, and those of the objects that are their values. The text must be UTF-8.
//
// https://www.rfc-editor.org/rfc/rfc8259
// https://www.postgresql.org/docs/current/datatype-json.html
func Scan(text string) (*Object, error) {
	s := scanner{text: text, Object: objects.Get().(*Object)}
	if err := s.scan(); err != nil {
		s.Release()
		return nil, err
	}
	return s.Object, nil
}

// Object is what Scan has read.
type Object struct{ Members []Member }

// usual is room for the members of an event, which has about 20.
const usual = 32

// objects keeps the room for members.
var objects = sync.Pool{New: func() any { return &Object{Members: make([]Member, 0, usual)} }}

// Release returns the memory for the members to a pool. What was read from them remains valid.
func (o *Object) Release() {
	if cap(o.Members) > usual {
		return
	}
	clear(o.Members)
	o.Members = o.Members[:0]
	objects.Put(o)
}

// scanner is the state of a pass.
type scanner struct {
	*Object
	text string
	at   int
}

// scan reads the whole text.
func (s *scanner) scan() error {
	if s.space(); s.next() != '{' {
		return errSyntax
	}
	if err := s.object(1, Outermost); err != nil {
		return err
	}
	if s.space(); s.at < len(s.text) {
		return errSyntax
	}
	return nil
}

// next returns the next byte, or 0 at the end of the text: a NUL is never valid outside a string.
func (s *scanner) next() byte {
	if s.at == len(s.text) {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\n', '\r', '\t':
			s.at++
		default:
			return
		}
	}
}

// value reads a value nested in depth lists and objects. place is that of its member, if the member is collected.
func (s *scanner) value(depth, place int) error {
	s.space()
	switch c := s.next(); {
	case c == '"':
		return s.string()
	case c == '-' || isDigit(c):
		return s.number()
	case c == '{':
		return s.object(depth+1, place)
	case c == '[':
		return s.list(depth + 1)
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	}
	return s.word("null")
}

// object reads an object. Its members are collected if it is the outermost one, or the value of a member of that.
func (s *scanner) object(depth, of int) error {
	if depth > maxDepth {
		return errDeep
	}
	s.at++
	if s.space(); s.next() == '}' {
		s.at++
		return nil
	}
	collects := depth <= 2
	for {
		place := Outermost
		name, err := s.name()
		if err != nil {
			return err
		}
		if collects {
			place = len(s.Members)
			s.Members = append(s.Members, Member{Of: of, Name: name})
		}
		s.space()
		start := s.at
		if err := s.value(depth, place); err != nil {
			return err
		}
		if collects {
			s.Members[place].Value = s.text[start:s.at]
		}
		if more, err := s.more('}'); !more {
			return err
		}
	}
}

// name reads the name of a member and the colon.
func (s *scanner) name() (string, error) {
	if s.space(); s.next() != '"' {
		return "", errSyntax
	}
	start := s.at
	if err := s.string(); err != nil {
		return "", err
	}
	name, _ := Unquote(s.text[start:s.at])
	if s.space(); s.next() != ':' {
		return "", errSyntax
	}
	s.at++
	return name, nil
}

func (s *scanner) list(depth int) error {
	if depth > maxDepth {
		return errDeep
	}
	s.at++
	if s.space(); s.next() == ']' {
		s.at++
		return nil
	}
	for {
		if err := s.value(depth, Outermost); err != nil {
			return err
		}
		if more, err := s.more(']'); !more {
			return err
		}
	}
}

// more reads what follows a value in a list or an object: a comma, or the bracket that ends it.
func (s *scanner) more(end byte) (bool, error) {
	s.space()
	switch s.next() {
	case ',':
		s.at++
		return true, nil
	case end:
		s.at++
		return false, nil
	}
	return false, errSyntax
}

func (s *scanner) word(word string) error {
	if !strings.HasPrefix(s.text[s.at:], word) {
		return errSyntax
	}
	s.at += len(word)
	return nil
}

func (s *scanner) string() error {
	text := s.text
	for i := s.at + 1; i < len(text); {
		switch c := text[i]; {
		case isLiteral[c]:
			i++
		case c == '"':
			s.at = i + 1
			return nil
		case c < ' ':
			return errSyntax
		default:
			n, err := escape(text[i:])
			if err != nil {
				return err
			}
			i += n
		}
	}
	return errSyntax
}

// isLiteral reports for each byte whether it stands for itself in a string.
var isLiteral = func() (is [256]bool) {
	for c := range is {
		is[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return is
}()

// escape returns the length of the escape at the start of the text, or of the two escapes of a surrogate pair.
func escape(s string) (int, error) {
	if len(s) < 2 {
		return 0, errSyntax
	}
	if s[1] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, s[1]) < 0 {
			return 0, errSyntax
		}
		return 2, nil
	}
	switch u, ok := escaped(s); {
	case !ok:
		return 0, errSyntax
	case u == 0:
		return 0, errNUL
	case u >= 0xD800 && u < 0xDC00:
		if low, ok := escaped(s[6:]); ok && low >= 0xDC00 && low < 0xE000 {
			return 12, nil
		}
		return 0, errSurrogate
	case u >= 0xDC00 && u < 0xE000:
		return 0, errSurrogate
	}
	return 6, nil
}

// escaped returns the number in the \u escape at the start of the text; ok is false if there is none.
func escaped(s string) (u uint64, ok bool) {
	if len(s) < 6 || s[:2] != `\u` {
		return 0, false
	}
	u, err := strconv.ParseUint(s[2:6], 16, 16)
	return u, err == nil
}

func (s *scanner) number() error {
	start := s.at
	if s.next() == '-' {
		s.at++
	}
	if s.next() == '0' {
		s.at++
	} else if !s.digits() {
		return errSyntax
	}
	if s.next() == '.' {
		if s.at++; !s.digits() {
			return errSyntax
		}
	}
	size, power := s.at-start, 0
	if c := s.next(); c == 'e' || c == 'E' {
		s.at++
		from := s.at
		if c := s.next(); c == '+' || c == '-' {
			s.at++
		}
		if !s.digits() {
			return errSyntax
		}
		var err error
		if power, err = strconv.Atoi(s.text[from:s.at]); err != nil {
			return errNumber
		}
	}
	if power = max(power, -power); power > maxDigits || size+power > maxDigits {
		return errNumber
	}
	return nil
}

// digits skips digits, and reports whether there were any.
func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && isDigit(s.text[s.at]) {
		s.at++
	}
	return s.at > start
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// Unquote reads a string in valid JSON; ok is false for anything else. Few strings contain escapes.
func Unquote(raw string) (text string, ok bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if inner := raw[1 : len(raw)-1]; strings.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	return unescape(raw)
}

// unescape is separate, so that Unquote keeps nothing on the heap.
func unescape(raw string) (text string, ok bool) {
	ok = json.Unmarshal([]byte(raw), &text) == nil
	return text, ok
}
