package mondayclient

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer is Monday's answer to one call.
type answer struct {
	data     json.RawMessage // always an object
	failures []failure       // of parts of the call
}

// failure is one entry of an answer's list of errors.
type failure struct {
	path []json.RawMessage // from the answer's root; empty: the whole call
	err  *Error
}

// field returns the name of the answer's member that failed, or "".
func (f failure) field() string {
	if len(f.path) == 0 {
		return ""
	}
	return textOf(f.path[0])
}

// single returns the failure as the error of one part of an otherwise answered call.
func (f failure) single() *Error {
	e := *f.err
	e.Single = true
	return &e
}

// readAnswer reads an answer in any of the shapes that Monday is known to use. It returns an *Error if the call failed
// as a whole. If the answer has data, or names the parts that failed, its errors are returned as the answer's failures.
//
// https://developer.monday.com/api-reference/docs/errors
func readAnswer(status int, header http.Header, body []byte) (answer, error) {
	top := objectOf(body)
	request := cmp.Or(textOf(objectOf(top["extensions"])["request_id"]), header.Get("X-Request-Id"))
	base := Error{Status: status, RequestID: clean(request), Wait: retryAfter(header)}
	failures := readFailures(base, top["errors"])
	ok := status >= 200 && status < 300
	switch data := objectOf(top["data"]); {
	case !ok, isWhole(top):
		return answer{}, worst(base, top, failures)
	case len(data) > 0:
		return answer{data: top["data"], failures: failures}, nil
	case len(failures) == 0:
		base.Code = codeUnreadable
		return answer{}, &base
	}
	for _, f := range failures {
		if f.field() == "" || f.single().RetryAfter() > 0 {
			return answer{}, worst(base, top, failures)
		}
	}
	return answer{data: json.RawMessage("{}"), failures: failures}, nil
}

// isWhole reports whether an error takes the place of the whole answer, as in the older shape and that of the gateway.
func isWhole(top object) bool {
	return textOf(top["error_code"]) != "" || textOf(top["error_message"]) != "" || textOf(top["error"]) != ""
}

// worst returns the error that represents the whole call: the first that asks to wait, since it may have caused the
// others.
func worst(whole Error, top object, failures []failure) *Error {
	whole.describe(top, cmp.Or(textOf(top["error_message"]), textOf(top["error"]), textOf(top["message"])))
	var all []*Error
	for _, f := range failures {
		all = append(all, f.err)
	}
	if isWhole(top) {
		all = slices.Insert(all, 0, &whole)
	} else {
		all = append(all, &whole)
	}
	for _, e := range all {
		if e.RetryAfter() > 0 {
			return e
		}
	}
	return all[0]
}

// readFailures reads a list of errors, or a single one. Each may be an object or a bare string.
func readFailures(base Error, raw json.RawMessage) (failures []failure) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil && raw != nil {
		list = []json.RawMessage{raw}
	}
	for _, raw := range list {
		e, o := base, objectOf(raw)
		e.describe(objectOf(o["extensions"]), cmp.Or(textOf(o["message"]), textOf(raw)))
		f := failure{err: &e}
		_ = json.Unmarshal(o["path"], &f.path) // an unreadable path counts as empty
		failures = append(failures, f)
	}
	return failures
}

// describe fills e from an error's members, or from the message if they say nothing.
func (e *Error) describe(o object, message string) {
	if status := int(numberOf(o["status_code"])); status >= 400 && status < 600 && e.Status < 300 {
		e.Status = status
	}
	e.Code = clean(cmp.Or(textOf(o["code"]), textOf(o["error_code"]), codeOf(message)))
	data := objectOf(o["error_data"])
	e.Column = clean(textOf(data["column_id"]))
	e.BoardID, e.ItemID = subjects(data)
	for _, seconds := range []json.RawMessage{o["retry_in_seconds"], data["retry_in_seconds"]} {
		if e.Wait == 0 {
			e.Wait = inSeconds(numberOf(seconds))
		}
	}
	if e.Wait == 0 {
		e.Wait = resetIn(message)
	}
}

// subjects returns the board and the item that an error's data name.
func subjects(data object) (board, item int64) {
	for name, into := range map[string]*int64{
		"board_id": &board, "boardId": &board, "item_id": &item, "itemId": &item, "pulse_id": &item,
	} {
		if id := idOf(data[name]); id > 0 {
			*into = id
		}
	}
	switch id := idOf(data["resource_id"]); textOf(data["resource_type"]) {
	case "board":
		board = id
	case "item":
		item = id
	}
	return board, item
}

// codeOf derives a code from a known message, for an error without one.
func codeOf(message string) string {
	message = strings.ToLower(message)
	for _, known := range []struct{ words, code string }{
		{"complexity budget exhausted", codeComplexity},
		{"daily limit", codeDaily},
		{"rate limit", codeRate},
		{"limit rate", codeRate},
		{"concurrency limit", codeRate},
		{"not authenticated", codeRefused},
		{"unauthorized", codeRefused},
	} {
		if strings.Contains(message, known.words) {
			return known.code
		}
	}
	return ""
}

var resets = regexp.MustCompile(`reset in ([0-9]{1,6}) second`)

func resetIn(message string) time.Duration {
	found := resets.FindStringSubmatch(message)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1])
	return inSeconds(float64(n))
}

// retryAfter reads the header of that name: seconds or a date.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), waitLongest)
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return inSeconds(n)
}

func inSeconds(n float64) time.Duration {
	if !(n > 0) { // nor NaN
		return 0
	}
	return time.Duration(min(n, waitLongest.Seconds()) * float64(time.Second))
}

// clean returns a code or an id unchanged, and "" for anything else, which might hold a customer's value.
func clean(code string) string {
	if !isCode.MatchString(code) {
		return ""
	}
	return code
}

var isCode = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_ .-]{0,63}$|^[0-9a-f-]{8,64}$`)

// remaining returns the complexity budget that is left according to an answer.
func remaining(data object) (int, bool) {
	var left *int
	err := json.Unmarshal(objectOf(data["complexity"])["after"], &left)
	if err != nil || left == nil {
		return 0, false
	}
	return *left, true
}
