package sfclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// Record holds values by field. "Id" is the record's own; the client handles "attributes" itself and leaves
// it out.
type Record map[string]any

// Time returns the value of a date-time field, such as CreatedDate; ok is false if there is no valid one.
func (r Record) Time(field string) (at time.Time, ok bool) {
	text, _ := r[field].(string)
	for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// buffers holds buffers for bodies: a busy worker makes hundreds of calls a second, each of some 40 kB.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func recycle(buf *bytes.Buffer) {
	if buf.Cap() <= 1<<20 {
		buf.Reset()
		buffers.Put(buf)
	}
}

// encode writes the body of a collections call. It returns a copy, because the transport may still be reading
// a request's body when the answer arrives.
func encode(object string, records []Record) ([]byte, error) {
	buf := buffers.Get().(*bytes.Buffer)
	defer recycle(buf)
	buf.WriteString(`{"allOrNone":false,"records":[`)
	for n, record := range records {
		if n > 0 {
			buf.WriteByte(',')
		}
		if err := appendRecord(buf, object, record); err != nil {
			return nil, err
		}
	}
	buf.WriteString("]}")
	return bytes.Clone(buf.Bytes()), nil
}

// appendRecord writes one record; an empty object omits its attributes.
func appendRecord(buf *bytes.Buffer, object string, record Record) error {
	separator := byte('{')
	if object != "" {
		buf.WriteString(`{"attributes":{"type":`)
		appendString(buf, object)
		buf.WriteByte('}')
		separator = ','
	}
	for field, value := range record {
		if field == "attributes" {
			continue
		}
		buf.WriteByte(separator)
		separator = ','
		appendString(buf, field)
		buf.WriteByte(':')
		if err := appendValue(buf, value); err != nil {
			return fmt.Errorf("encoding field %s: %w", field, err)
		}
	}
	if separator == '{' {
		buf.WriteByte('{')
	}
	buf.WriteByte('}')
	return nil
}

// appendValue writes the most frequent kinds of values itself, and leaves the others to encoding/json.
func appendValue(buf *bytes.Buffer, value any) error {
	switch v := value.(type) {
	case nil:
		buf.WriteString("null")
	case string:
		appendString(buf, v)
	case bool:
		buf.Write(strconv.AppendBool(buf.AvailableBuffer(), v))
	case int64:
		buf.Write(strconv.AppendInt(buf.AvailableBuffer(), v, 10))
	default:
		text, err := json.Marshal(value)
		if err != nil {
			return &Error{Code: codeUnencodable} // encoding/json's error repeats the value
		}
		buf.Write(text)
	}
	return nil
}

func appendString(buf *bytes.Buffer, s string) {
	if !isPlain(s) {
		text, _ := json.Marshal(s) // never fails for a string
		buf.Write(text)
		return
	}
	buf.WriteByte('"')
	buf.WriteString(s)
	buf.WriteByte('"')
}

// isPlain reports whether s needs no escaping in JSON.
func isPlain(s string) bool {
	for n := range len(s) {
		if s[n] < ' ' || s[n] == '"' || s[n] == '\\' {
			return false
		}
	}
	return utf8.ValidString(s)
}
