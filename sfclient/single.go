package sfclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Duplicates writes one record by itself to learn which existing records a duplicate rule finds: a call with
// several records does not report them. With a key, the record is upserted by the external ID in that field,
// and the call may be repeated; without one, it is created.
//
// The write is real. If no rule objects any more, the record is created or changed as result reports, and
// found is empty. If one objects, found holds the Ids that Salesforce names, as far as they are visible to
// the run-as user, and err is the rejection, of class Duplicate. Any other rejection returns only err.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/headers-duplicaterules.html
// https://developer.salesforce.com/docs/platform/api-rest/guide/dome-upsert.html
func (c *Client) Duplicates(
	ctx context.Context, object, key string, record Record, options WriteOptions,
) (found []string, result Result, err error) {
	q, err := single(object, key, record)
	if err != nil {
		return nil, Result{}, while(err, "writing one of %s", object)
	}
	q.header = options.header()
	const header = "Sforce-Duplicate-Rule-Header"
	q.header.Set(header, fmt.Sprintf("allowSave=%t; includeRecordDetails=true", options.AllowDuplicates))
	q.refused = func() error { return q.guardError([]Result{result}) }
	err = c.do(ctx, q, func(a *answer) (succeeded, failed int, err error) {
		if result, err = decodeOne(a); err != nil || !result.Success {
			return 0, 1, err
		}
		result.Created = result.Created || a.status == http.StatusCreated
		return 1, 0, nil
	})
	if refused, ok := errors.AsType[*Error](err); ok {
		found = refused.Matches
	}
	return found, result, while(err, "writing one of %s", object)
}

// single returns the call that writes one record.
func single(object, key string, record Record) (call, error) {
	fields := make(Record, len(record))
	value := ""
	for field, v := range record {
		switch {
		case key != "" && strings.EqualFold(field, key):
			value = fmt.Sprint(v)
		case !strings.EqualFold(field, "Id"): // the path or the new record has it
			fields[field] = v
		}
	}
	var body bytes.Buffer
	if err := appendRecord(&body, "", fields); err != nil {
		return call{}, err
	}
	q := call{
		operation: "create_one", scopes: creation, method: http.MethodPost, path: "sobjects/" + segment(object),
		body: body.Bytes(), rows: 1,
	}
	if key != "" {
		if value == "" {
			return call{}, &Error{Code: codeNoKey}
		}
		q.operation, q.method = "upsert_one", http.MethodPatch
		q.path += "/" + segment(key) + "/" + segment(value)
	}
	return q, nil
}

func decodeOne(a *answer) (Result, error) {
	if a.status == http.StatusNoContent {
		return Result{Success: true}, nil
	}
	list := answer{header: a.header, body: bytes.Join([][]byte{[]byte("["), a.body, []byte("]")}, nil)}
	results, err := decodeResults(&list, 1)
	if err != nil {
		return Result{}, err
	}
	return results[0], nil
}
