package sfclient

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

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

// QueryEach makes up to 5 queries in one call. Results are in the order of the queries; a rejected query does not
// affect the others.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-composite-post.html
func (c *Client) QueryEach(ctx context.Context, soqls []string) ([]QueryResult, error) {
	return c.queryEach(ctx, resourceQuery, soqls)
}

// QueryAllEach is QueryEach including deleted records.
func (c *Client) QueryAllEach(ctx context.Context, soqls []string) ([]QueryResult, error) {
	return c.queryEach(ctx, resourceQueryAll, soqls)
}

func (c *Client) queryEach(ctx context.Context, resource string, soqls []string) ([]QueryResult, error) {
	switch {
	case len(soqls) == 0:
		return nil, nil
	case len(soqls) > MaxParts:
		return nil, &Error{Code: codeTooMany}
	}
	if c.apart.Load() {
		return c.queryApart(ctx, resource, soqls), nil
	}
	parts := make([]part, len(soqls))
	for n, soql := range soqls {
		parts[n] = part{Method: http.MethodGet, URL: c.root + resource + url.QueryEscape(soql)}
	}
	results := make([]QueryResult, len(soqls))
	err := c.composite(ctx, call{operation: "composite_query"}, parts,
		func(n int, a *answer, refused error) (found, _ int, err error) {
			if refused != nil {
				results[n].Err = while(refused, "querying")
				return 0, 0, nil
			}
			results[n].Page, err = decodePage(a.body)
			return len(results[n].Records), 0, err
		})
	switch {
	case err == nil:
		return results, nil
	case c.isWithoutComposite(err):
		return c.queryApart(ctx, resource, soqls), nil
	}
	return nil, while(err, "making %d queries", len(soqls))
}

// queryApart makes a call for each query.
func (c *Client) queryApart(ctx context.Context, resource string, soqls []string) []QueryResult {
	results := make([]QueryResult, len(soqls))
	for n, soql := range soqls {
		results[n].Page, results[n].Err = c.page(ctx, resource+url.QueryEscape(soql))
	}
	return results
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

// page reads one page. The address of the next one comes from Salesforce and is used unchanged.
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
		return Page{}, errors.New("a page is not the last one, but has no address of the next")
	default:
		p.Next = raw.Next
	}
	for _, record := range p.Records {
		delete(record, "attributes")
	}
	return p, nil
}

var quoter = strings.NewReplacer(
	`\`, `\\`, `'`, `\'`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\b", `\b`, "\f", `\f`,
)

// Quote returns s as a SOQL string literal, including the quotes.
//
// https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
func Quote(s string) string { return "'" + quoter.Replace(s) + "'" }
