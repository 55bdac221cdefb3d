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

// page is a part of a query's records.
type page struct {
	Total   int      `json:"totalSize"`
	Done    bool     `json:"done"`
	Next    string   `json:"nextRecordsUrl"`
	Records []Record `json:"records"`
}

// Query yields the records that a SOQL query finds, page by page: each page, of up to 2,000 records, is a call. It ends
// after the first error. The query goes into a URL: with more than about 16,000 bytes it is refused.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-query.html
func (c *Client) Query(ctx context.Context, soql string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for path := "query?q=" + url.QueryEscape(soql); path != ""; {
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

// Select returns all records of a Query, and none where a page is missing.
func (c *Client) Select(ctx context.Context, soql string) (records []Record, err error) {
	for record, err := range c.Query(ctx, soql) {
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

// Count is how many records a query of the form SELECT COUNT() FROM ... finds, in one call.
//
// https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_count.htm
func (c *Client) Count(ctx context.Context, soql string) (int, error) {
	p, err := c.page(ctx, "query?q="+url.QueryEscape(soql))
	return p.Total, while(err, "counting")
}

// page reads one page. The address of the next is Salesforce's own, taken as it is.
func (c *Client) page(ctx context.Context, path string) (p page, err error) {
	err = c.do(ctx, call{operation: "query", method: http.MethodGet, path: path}, func(a *answer) (int, int, error) {
		p, err = decodePage(a.body)
		return len(p.Records), 0, err
	})
	return p, err
}

func decodePage(body []byte) (page, error) {
	var p page
	if err := json.Unmarshal(body, &p); err != nil {
		return page{}, err
	}
	switch {
	case p.Done:
		p.Next = ""
	case !strings.HasPrefix(p.Next, "/"):
		return page{}, errors.New("page that is not the last, without the address of the next")
	}
	for _, record := range p.Records {
		delete(record, "attributes")
	}
	return p, nil
}

var quoter = strings.NewReplacer(
	`\`, `\\`, `'`, `\'`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\b", `\b`, "\f", `\f`,
)

// Quote makes a string literal of SOQL, quotes included.
//
// https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
func Quote(s string) string { return "'" + quoter.Replace(s) + "'" }
