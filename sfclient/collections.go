package sfclient

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxRecords is the maximum number of records in a collections call.
const maxRecords = 200

// errRows means that the rows of an answer do not match those sent.
var errRows = errors.New("the answer's rows do not match the call's")

// Result is the outcome for one record.
type Result struct {
	ID      string     `json:"id"` // empty if it failed
	Success bool       `json:"success"`
	Created bool       `json:"created"` // of an upsert
	Errors  []RowError `json:"errors"`

	At time.Time `json:"-"` // when Salesforce answered, by its own clock, in whole seconds; zero: unknown
}

// RowError is why a record was rejected.
type RowError struct {
	Code    string   `json:"statusCode"`
	Fields  []string `json:"fields"`  // named by the error; may be empty
	Message string   `json:"message"` // only for distinguishing errors: it may contain values
}

// Class returns how the error should be handled.
func (r RowError) Class() Class { return classOf(r.Code, r.Message) }

// Err returns the error as that of a whole call: same wait, same permanence, and no value in its text.
func (r RowError) Err() *Error {
	return &Error{Status: http.StatusBadRequest, Code: cmp.Or(r.Code, "UNKNOWN_EXCEPTION"), Fields: r.Fields,
		message: r.Message}
}

// WriteOptions controls which of the org's own rules apply to a write. By default, assignment rules do not
// run and duplicate rules reject duplicates.
type WriteOptions struct {
	// AutoAssign runs the active assignment rules of accounts, cases and leads, which replace the owner.
	// Salesforce runs them by default, on updates too, so every write states the choice.
	AutoAssign bool

	// AllowDuplicates saves the record despite duplicate rules that alert. Rules that block still reject it.
	AllowDuplicates bool
}

// header returns the options as HTTP headers.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/headers-autoassign.html
// https://developer.salesforce.com/docs/platform/api-rest/guide/headers-duplicaterules.html
func (o WriteOptions) header() http.Header {
	h := http.Header{"Sforce-Auto-Assign": {strings.ToUpper(strconv.FormatBool(o.AutoAssign))}}
	if o.AllowDuplicates {
		h.Set("Sforce-Duplicate-Rule-Header", "allowSave=true")
	}
	return h
}

// Create creates up to 200 records of one object. Results are in the order of records. A rejected record does
// not affect the others and is not an error. After an error it may be unknown whether the records were
// created.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-create.html
func (c *Client) Create(ctx context.Context, object string, records []Record, options WriteOptions) ([]Result, error) {
	q := call{operation: "create", scopes: creation, method: http.MethodPost, path: "composite/sobjects",
		header: options.header()}
	results, err := c.write(ctx, q, object, records)
	return results, while(err, "creating %d of %s", len(records), object)
}

// Update changes up to 200 records of one object by Id. Results are as for Create.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-update.html
func (c *Client) Update(ctx context.Context, object string, records []Record, options WriteOptions) ([]Result, error) {
	q := call{operation: "update", method: http.MethodPatch, path: "composite/sobjects", header: options.header()}
	results, err := c.write(ctx, q, object, records)
	return results, while(err, "updating %d of %s", len(records), object)
}

// Upsert creates or changes up to 200 records of one object by the external ID that each holds in the field
// key. Results are as for Create. It may be repeated; a key must not occur twice in one call.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-upsert.html
func (c *Client) Upsert(ctx context.Context, object, key string, records []Record,
	options WriteOptions) ([]Result, error) {
	path := "composite/sobjects/" + segment(object) + "/" + segment(key)
	q := call{operation: "upsert", scopes: creation, method: http.MethodPatch, path: path, header: options.header()}
	results, err := c.write(ctx, q, object, records)
	return results, while(err, "upserting %d of %s", len(records), object)
}

// Delete moves up to 200 records to the recycle bin. Results are as for Create, in the order of ids.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-delete.html
func (c *Client) Delete(ctx context.Context, ids []string) ([]Result, error) {
	escaped := make([]string, len(ids))
	for n, id := range ids {
		escaped[n] = url.QueryEscape(id)
	}
	path := "composite/sobjects?ids=" + strings.Join(escaped, ",") + "&allOrNone=false"
	results, err := c.rows(ctx, call{operation: "delete", method: http.MethodDelete, path: path, rows: len(ids)})
	return results, while(err, "deleting %d records", len(ids))
}

// Retrieve reads fields of records of one object by Id. Records are in the order of ids; one that is missing
// or not visible is nil.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-retrieve.html
func (c *Client) Retrieve(ctx context.Context, object string, ids, fields []string) (records []Record, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	body, err := json.Marshal(map[string][]string{"ids": ids, "fields": fields})
	if err != nil {
		return nil, while(err, "retrieving %d of %s", len(ids), object)
	}
	q := call{operation: "retrieve", method: http.MethodPost, path: "composite/sobjects/" + segment(object), body: body}
	err = c.do(ctx, q, func(a *answer) (int, int, error) {
		records, err = decodeRecords(a.body, len(ids))
		return len(records), 0, err
	})
	return records, while(err, "retrieving %d of %s", len(ids), object)
}

// write encodes and sends records.
func (c *Client) write(ctx context.Context, q call, object string, records []Record) (_ []Result, err error) {
	q.rows = len(records)
	if len(records) <= maxRecords {
		if q.body, err = encode(object, records); err != nil {
			return nil, err
		}
	}
	return c.rows(ctx, q)
}

// rows sends a call whose answer has a result for each row.
func (c *Client) rows(ctx context.Context, q call) (results []Result, err error) {
	switch {
	case q.rows == 0:
		return nil, nil
	case q.rows > maxRecords:
		return nil, &Error{Code: codeTooMany}
	}
	q.refused = func() error { return q.guardError(results) }
	err = c.do(ctx, q, func(a *answer) (succeeded, failed int, err error) {
		results, err = decodeResults(a, q.rows)
		for _, result := range results {
			if result.Success {
				succeeded++
			}
		}
		return succeeded, q.rows - succeeded, err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

func decodeResults(a *answer, want int) ([]Result, error) {
	results := make([]Result, 0, want)
	if err := json.Unmarshal(a.body, &results); err != nil {
		return nil, err
	}
	if len(results) != want {
		return nil, errRows
	}
	at, _ := http.ParseTime(a.header.Get("Date")) // zero if it fails
	for n, result := range results {
		results[n].At = at
		for n := range result.Errors {
			e := &result.Errors[n]
			e.Code, e.Fields = name(e.Code), names(e.Fields)
		}
	}
	return results, nil
}

func decodeRecords(body []byte, want int) (records []Record, err error) {
	if err := json.Unmarshal(body, &records); err != nil {
		return nil, err
	}
	if len(records) != want {
		return nil, errRows
	}
	for _, record := range records {
		delete(record, "attributes")
	}
	return records, nil
}
