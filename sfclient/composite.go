package sfclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// MaxParts is the maximum number of queries or collections in one composite call.
const MaxParts = 5

// isWithoutComposite reports whether the parts of a call have to be sent one by one because the host has no composite
// resource, as behind a gateway that forwards few paths. Such a call had no effect.
func (c *Client) isWithoutComposite(err error) bool {
	rejected, ok := errors.AsType[*Error](err)
	if ok && (rejected.Status == http.StatusNotFound || rejected.Status == http.StatusMethodNotAllowed) {
		c.apart.Store(true)
	}
	return c.apart.Load()
}

// part is a subrequest of a composite call.
type part struct {
	Method      string            `json:"method"`
	URL         string            `json:"url"`
	ReferenceID string            `json:"referenceId"`
	Header      map[string]string `json:"httpHeaders,omitempty"`
	Body        json.RawMessage   `json:"body,omitempty"`
}

// composite makes a call of several parts. Each part of the answer is decoded by its position; a part that failed has
// an error.
func (c *Client) composite(
	ctx context.Context, q call, parts []part, decode func(n int, a *answer, err error) (succeeded, failed int, _ error),
) (err error) {
	for n := range parts {
		parts[n].ReferenceID = "q" + strconv.Itoa(n)
	}
	q.method, q.path = http.MethodPost, "composite"
	if q.body, err = json.Marshal(map[string]any{"allOrNone": false, "compositeRequest": parts}); err != nil {
		return err
	}
	return c.do(ctx, q, func(a *answer) (succeeded, failed int, _ error) {
		answers, err := partsOf(a.body, len(parts))
		for n := 0; n < len(answers) && err == nil; n++ {
			var good, bad int
			var refused error
			answers[n].header = a.header
			if p := answers[n]; p.status/100 != 2 {
				refused = answerError(p)
			}
			good, bad, err = decode(n, answers[n], refused)
			succeeded, failed = succeeded+good, failed+bad
		}
		return succeeded, failed, err
	})
}

// partsOf returns the parts of a composite answer in the order of the call. Salesforce returns them in the order in
// which it processed them.
func partsOf(body []byte, want int) ([]*answer, error) {
	var raw struct {
		Parts []struct {
			Body   json.RawMessage `json:"body"`
			Status int             `json:"httpStatusCode"`
			ID     string          `json:"referenceId"`
		} `json:"compositeResponse"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, err
	}
	answers := make([]*answer, want)
	for _, p := range raw.Parts {
		n, err := strconv.Atoi(strings.TrimPrefix(p.ID, "q"))
		if err != nil || n < 0 || n >= want || answers[n] != nil {
			return nil, errRows
		}
		answers[n] = &answer{status: p.Status, body: bytes.TrimSpace(p.Body)}
	}
	if len(raw.Parts) != want {
		return nil, errRows
	}
	return answers, nil
}

// Lot is up to 200 records of one object to write.
type Lot struct {
	Object  string
	Key     string // external ID to upsert by; empty: the records are updated by Id
	Records []Record
	Options WriteOptions
}

// LotResult is the answer for one of several lots of records, in the form of a separate call's answer.
type LotResult struct {
	Results []Result
	Err     error
}

// WriteEach makes up to 5 calls of Update and Upsert in one. No record or key may occur twice. No text may contain
// "@{", which Salesforce reads as a reference to another part of the call.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-composite-post.html
func (c *Client) WriteEach(ctx context.Context, lots []Lot) ([]LotResult, error) {
	q := call{operation: "composite_write"}
	parts, err := c.partsFor(lots, &q)
	if err != nil {
		return nil, while(err, "writing %d lots", len(lots))
	}
	if c.apart.Load() {
		return c.writeApart(ctx, lots), nil
	}
	results := make([]LotResult, len(lots))
	q.refused = func() error { return q.guardError(allResults(results)) }
	err = c.composite(ctx, q, parts, func(n int, a *answer, refused error) (succeeded, failed int, err error) {
		rows := len(lots[n].Records)
		if refused != nil {
			results[n] = LotResult{Err: while(refused, "writing %d of %s", rows, lots[n].Object)}
			return 0, rows, nil
		}
		results[n].Results, err = decodeResults(a, rows)
		for _, result := range results[n].Results {
			if result.Success {
				succeeded++
			}
		}
		return succeeded, rows - succeeded, err
	})
	switch {
	case err == nil:
		return results, nil
	case c.isWithoutComposite(err):
		return c.writeApart(ctx, lots), nil
	}
	return nil, while(err, "writing %d lots", len(lots))
}

// writeApart makes a call for each lot.
func (c *Client) writeApart(ctx context.Context, lots []Lot) []LotResult {
	results := make([]LotResult, len(lots))
	for n, lot := range lots {
		if lot.Key == "" {
			results[n].Results, results[n].Err = c.Update(ctx, lot.Object, lot.Records, lot.Options)
		} else {
			results[n].Results, results[n].Err = c.Upsert(ctx, lot.Object, lot.Key, lot.Records, lot.Options)
		}
	}
	return results
}

// partsFor returns the subrequests for lots, and adds what the call writes.
func (c *Client) partsFor(lots []Lot, q *call) ([]part, error) {
	if len(lots) > MaxParts {
		return nil, &Error{Code: codeTooMany}
	}
	parts := make([]part, len(lots))
	for n, lot := range lots {
		if len(lot.Records) == 0 || len(lot.Records) > maxRecords {
			return nil, &Error{Code: codeTooMany}
		}
		body, err := encode(lot.Object, lot.Records)
		if err != nil {
			return nil, err
		}
		header := map[string]string{}
		for name, values := range lot.Options.header() {
			header[name] = values[0]
		}
		path := "composite/sobjects"
		if lot.Key != "" {
			path += "/" + segment(lot.Object) + "/" + segment(lot.Key)
			q.scopes = creation
		}
		parts[n] = part{Method: http.MethodPatch, URL: c.root + path, Header: header, Body: body}
		q.rows += len(lot.Records)
	}
	return parts, nil
}

func allResults(lots []LotResult) (all []Result) {
	for _, lot := range lots {
		all = append(all, lot.Results...)
	}
	return all
}
