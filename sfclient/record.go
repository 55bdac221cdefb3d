package sfclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Record holds values by field. "Id" is the record's own; "attributes" is the client's affair and left out.
type Record map[string]any

// Time is the value of a date-time field, such as CreatedDate; not ok where there is none that can be read.
func (r Record) Time(field string) (at time.Time, ok bool) {
	text, _ := r[field].(string)
	for _, layout := range []string{"2006-01-02T15:04:05.000-0700", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// UpsertOne makes or changes the record that has value in the external ID field key. Where several have it, nothing is
// written, and the error is a Duplicate with their Ids. A value that ends like a file's name may not be found.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/dome-upsert.html
func (c *Client) UpsertOne(ctx context.Context, object, key, value string, r Record, options WriteOptions) (result Result, err error) {
	fields := make(Record, len(r))
	for field, v := range r {
		if !strings.EqualFold(field, key) && !strings.EqualFold(field, "Id") { // the path has it
			fields[field] = v
		}
	}
	var body bytes.Buffer
	if err := appendRecord(&body, "", fields); err != nil {
		return Result{}, while(err, "upserting one of %s", object)
	}
	path := "sobjects/" + segment(object) + "/" + segment(key) + "/" + segment(value)
	q := call{operation: "upsert_one", method: http.MethodPatch, path: path, body: body.Bytes(), rows: 1, header: options.header()}
	err = c.do(ctx, q, func(a *answer) (succeeded, failed int, err error) {
		if a.status == http.StatusNoContent {
			result = Result{Success: true}
			return 1, 0, nil
		}
		results, err := decodeResults(bytes.Join([][]byte{[]byte("["), a.body, []byte("]")}, nil), 1)
		if err != nil {
			return 0, 1, err
		}
		result = results[0]
		result.Created = result.Created || a.status == http.StatusCreated
		if !result.Success {
			return 0, 1, nil
		}
		return 1, 0, nil
	})
	return result, while(err, "upserting one of %s", object)
}

// buffers are for bodies: a busy worker makes hundreds of calls a second, each of some 40 kB.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func recycle(buf *bytes.Buffer) {
	if buf.Cap() <= 1<<20 {
		buf.Reset()
		buffers.Put(buf)
	}
}

// encode writes the body of a collections call. It is a copy, because the transport may still read a request's body when
// the answer is there.
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

// appendRecord writes one record; an empty object leaves its attributes out.
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

// appendValue writes the kinds of values that fields mostly hold by itself, and leaves the others to encoding/json.
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
			return &Error{Code: codeUnencodable} // what encoding/json says repeats the value
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

// isPlain tells whether s stands in JSON as it is.
func isPlain(s string) bool {
	for n := range len(s) {
		if s[n] < ' ' || s[n] == '"' || s[n] == '\\' {
			return false
		}
	}
	return utf8.ValidString(s)
}
