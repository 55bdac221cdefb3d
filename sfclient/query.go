package sfclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// maxQueries is the maximum number of queries in a composite call.
const maxQueries = 5

// Query resources.
const (
	resourceQuery    = "query?q="
	resourceQueryAll = "queryAll?q="
)

// Page is one page of a query's records.
type Page struct {
	Total   int    // records in all pages together
	Next    string // locator for NextPage; empty: this is the last page
	Records []Record
}

// Query yields the records of a SOQL query. Each page, of up to 2,000 records, is a call. It ends after the
// first error. The query is part of the URL, so Salesforce rejects one of more than about 16,000 bytes.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-query.html
func (c *Client) Query(ctx context.Context, soql string) iter.Seq2[Record, error] {
	return c.records(ctx, resourceQuery+url.QueryEscape(soql))
}

// QueryAll is Query including deleted records: those in the recycle bin, and those merged into another.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-queryall.html
func (c *Client) QueryAll(ctx context.Context, soql string) iter.Seq2[Record, error] {
	return c.records(ctx, resourceQueryAll+url.QueryEscape(soql))
}

// Select returns all records of a Query, or none if a page is missing.
func (c *Client) Select(ctx context.Context, soql string) ([]Record, error) {
	return all(c.Query(ctx, soql))
}

// SelectAll returns all records of a QueryAll, or none if a page is missing.
func (c *Client) SelectAll(ctx context.Context, soql string) ([]Record, error) {
	return all(c.QueryAll(ctx, soql))
}

// Count returns how many records a query of the form SELECT COUNT() FROM ... finds, in one call.
//
// https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_count.htm
func (c *Client) Count(ctx context.Context, soql string) (int, error) {
	p, err := c.page(ctx, resourceQuery+url.QueryEscape(soql))
	return p.Total, while(err, "counting")
}

// NextPage reads the page with this locator. Locators expire after some time, or when others are opened; then
// the query has to start again.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-query-more-results.html
func (c *Client) NextPage(ctx context.Context, next string) (Page, error) {
	if !strings.HasPrefix(next, "/") {
		return Page{}, &Error{Code: codeForeignHost}
	}
	p, err := c.page(ctx, next)
	return p, while(err, "querying")
}

// QueryResult is the first page of one of several queries, or the reason it was rejected.
type QueryResult struct {
	Page
	Err error
}

// QueryAllEach makes up to 5 queries including deleted records, in one call. Results are in the order of the
// queries; a rejected query does not affect the others.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-composite-post.html
func (c *Client) QueryAllEach(ctx context.Context, soqls []string) ([]QueryResult, error) {
	switch {
	case len(soqls) == 0:
		return nil, nil
	case len(soqls) > maxQueries:
		return nil, &Error{Code: codeTooMany}
	}
	type part struct {
		Method      string `json:"method"`
		URL         string `json:"url"`
		ReferenceID string `json:"referenceId"`
	}
	parts := make([]part, len(soqls))
	for n, soql := range soqls {
		parts[n] = part{http.MethodGet, c.root + resourceQueryAll + url.QueryEscape(soql), "q" + strconv.Itoa(n)}
	}
	body, err := json.Marshal(map[string]any{"allOrNone": false, "compositeRequest": parts})
	if err != nil {
		return nil, while(err, "querying")
	}
	var results []QueryResult
	q := call{operation: "composite_query", method: http.MethodPost, path: "composite", body: body}
	err = c.do(ctx, q, func(a *answer) (found, refused int, err error) {
		results, err = decodeEach(a.body, len(soqls))
		for _, result := range results {
			found += len(result.Records)
		}
		return found, 0, err
	})
	if err != nil {
		return nil, while(err, "making %d queries", len(soqls))
	}
	return results, nil
}

// records yields the records of all pages.
func (c *Client) records(ctx context.Context, path string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for path := path; path != ""; {
			p, err := c.page(ctx, path)
			if err == nil && p.Next == path {
				err = &Error{Status: http.StatusOK, Code: codeUnexpected} // it would never end
			}
			if err != nil {
				yield(nil, while(err, "querying"))
				return
			}
			for _, record := range p.Records {
				if !yield(record, nil) {
					return
				}
			}
			path = p.Next
		}
	}
}

func all(found iter.Seq2[Record, error]) (records []Record, err error) {
	for record, err := range found {
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

// page reads one page. The address of the next one is Salesforce's own, used as it is.
func (c *Client) page(ctx context.Context, path string) (p Page, err error) {
	err = c.do(ctx, call{operation: "query", method: http.MethodGet, path: path}, func(a *answer) (int, int, error) {
		p, err = decodePage(a.body)
		return len(p.Records), 0, err
	})
	return p, err
}

func decodePage(body []byte) (Page, error) {
	var raw struct {
		Total   int      `json:"totalSize"`
		Done    bool     `json:"done"`
		Next    string   `json:"nextRecordsUrl"`
		Records []Record `json:"records"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return Page{}, err
	}
	p := Page{Total: raw.Total, Records: raw.Records}
	switch {
	case raw.Done:
	case !strings.HasPrefix(raw.Next, "/"):
		return Page{}, errors.New("page is not the last, but has no address of the next")
	default:
		p.Next = raw.Next
	}
	for _, record := range p.Records {
		delete(record, "attributes")
	}
	return p, nil
}

// decodeEach decodes the parts of a composite answer, which are in the order in which Salesforce processed
// them.
func decodeEach(body []byte, want int) ([]QueryResult, error) {
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
	results, seen := make([]QueryResult, want), make([]bool, want)
	for _, part := range raw.Parts {
		n, err := strconv.Atoi(strings.TrimPrefix(part.ID, "q"))
		if err != nil || n < 0 || n >= want || seen[n] {
			return nil, errRows
		}
		seen[n] = true
		a := &answer{status: part.Status, body: bytes.TrimSpace(part.Body)}
		if a.status/100 != 2 {
			results[n].Err = while(answerError(a), "querying")
		} else if results[n].Page, err = decodePage(a.body); err != nil {
			return nil, err
		}
	}
	if len(raw.Parts) != want {
		return nil, errRows
	}
	return results, nil
}

var quoter = strings.NewReplacer(
	`\`, `\\`, `'`, `\'`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\b", `\b`, "\f", `\f`,
)

// Quote returns s as a SOQL string literal, including the quotes.
//
// https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
func Quote(s string) string { return "'" + quoter.Replace(s) + "'" }
