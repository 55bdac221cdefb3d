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
)

// maxRecords is the most records of a collections call.
const maxRecords = 200

// errRows is an answer whose rows are not those that were sent.
var errRows = errors.New("answer has other rows than the call")

// Result is what became of one record.
type Result struct {
	ID      string     `json:"id"` // empty where it failed
	Success bool       `json:"success"`
	Created bool       `json:"created"` // of an upsert
	Errors  []RowError `json:"errors"`
}

// RowError is why a record was refused.
type RowError struct {
	Code    string   `json:"statusCode"`
	Fields  []string `json:"fields"`  // that the error names; may be none
	Message string   `json:"message"` // only for telling errors apart: it may hold values
}

// Class says what is to be done about the error.
func (r RowError) Class() Class { return classOf(r.Code, r.Message) }

// Err is the error as that of a call: it waits as long, is as permanent, and its text holds no value.
func (r RowError) Err() *Error {
	return &Error{Status: http.StatusBadRequest, Code: cmp.Or(r.Code, "UNKNOWN_EXCEPTION"), Fields: r.Fields, message: r.Message}
}

// WriteOptions say which of the org's own rules a write passes through. With the zero value, assignment rules do not
// run and duplicate rules refuse.
type WriteOptions struct {
	// AutoAssign runs the active assignment rules of accounts, cases and leads, which replace the owner. Salesforce runs them
	// unless it is told not to, on updates too; so every write says which it wants.
	AutoAssign bool

	// AllowDuplicates saves the record in spite of duplicate rules that alert. Rules that block refuse it still.
	AllowDuplicates bool
}

// header holds the options as Salesforce reads them.
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

// Create creates up to 200 records of one object. Results stand in the order of records; one record that is refused
// does not keep back the others, and is no error. After an error it may be unknown whether the records were created.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-create.html
func (c *Client) Create(ctx context.Context, object string, records []Record, options WriteOptions) ([]Result, error) {
	q := call{operation: "create", scopes: creation, method: http.MethodPost, path: "composite/sobjects", header: options.header()}
	results, err := c.write(ctx, q, object, records)
	return results, while(err, "creating %d of %s", len(records), object)
}

// Update changes up to 200 records of one object by their Id. Results are those of Create.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-update.html
func (c *Client) Update(ctx context.Context, object string, records []Record, options WriteOptions) ([]Result, error) {
	q := call{operation: "update", method: http.MethodPatch, path: "composite/sobjects", header: options.header()}
	results, err := c.write(ctx, q, object, records)
	return results, while(err, "updating %d of %s", len(records), object)
}

// Upsert creates or changes up to 200 records of one object by the external ID that each holds in the field key.
// Results are those of Create. It may be repeated; a key must not stand twice in a call.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-upsert.html
func (c *Client) Upsert(ctx context.Context, object, key string, records []Record, options WriteOptions) ([]Result, error) {
	path := "composite/sobjects/" + segment(object) + "/" + segment(key)
	q := call{operation: "upsert", scopes: creation, method: http.MethodPatch, path: path, header: options.header()}
	results, err := c.write(ctx, q, object, records)
	return results, while(err, "upserting %d of %s", len(records), object)
}

// Delete moves up to 200 records to the recycle bin. Results are those of Create, in the order of ids.
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

// Retrieve reads fields of records of one object by their Ids. Records stand in the order of ids; one that is missing
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

// write sends records.
func (c *Client) write(ctx context.Context, q call, object string, records []Record) (_ []Result, err error) {
	q.rows = len(records)
	if len(records) <= maxRecords {
		if q.body, err = encode(object, records); err != nil {
			return nil, err
		}
	}
	return c.rows(ctx, q)
}

// rows makes a call that is answered with a result for each row.
func (c *Client) rows(ctx context.Context, q call) (results []Result, err error) {
	switch {
	case q.rows == 0:
		return nil, nil
	case q.rows > maxRecords:
		return nil, &Error{Code: codeTooMany}
	}
	q.refused = func() error { return storageError(results) }
	err = c.do(ctx, q, func(a *answer) (succeeded, failed int, err error) {
		results, err = decodeResults(a.body, q.rows)
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

func decodeResults(body []byte, want int) ([]Result, error) {
	results := make([]Result, 0, want)
	if err := json.Unmarshal(body, &results); err != nil {
		return nil, err
	}
	if len(results) != want {
		return nil, errRows
	}
	for _, result := range results {
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
