package engine

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"crmsync/sfclient"
)

// querySize limits one query, as encoded for sending: a request line may have at most 16,384 bytes.
//
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
const querySize = 12_000

// selected is the answer to a query: all of its records, or an error.
type selected struct {
	records []sfclient.Record
	err     error
}

// selectEach makes queries, several in one call, and returns the answers in the order of the queries.
func (p *pass) selectEach(ctx context.Context, soqls []string) []selected {
	answers := make([]selected, len(soqls))
	at := 0
	for some := range slices.Chunk(soqls, sfclient.MaxParts) {
		p.countCalls(1)
		if len(some) == 1 {
			answers[at].records, answers[at].err = p.Salesforce.Select(ctx, some[0])
		} else {
			p.selectTogether(ctx, some, answers[at:at+len(some)])
		}
		at += len(some)
	}
	return answers
}

func (p *pass) selectTogether(ctx context.Context, soqls []string, answers []selected) {
	results, err := p.Salesforce.QueryEach(ctx, soqls)
	for n := range soqls {
		if err != nil {
			answers[n].err = err
			continue
		}
		page, err := results[n].Page, results[n].Err
		answers[n].records = page.Records
		for err == nil && page.Next != "" {
			p.countCalls(1)
			page, err = p.Salesforce.NextPage(ctx, page.Next)
			answers[n].records = append(answers[n].records, page.Records...)
		}
		if answers[n].err = err; err != nil {
			answers[n].records = nil // the others are missing
		}
	}
}

// countCalls counts calls to Salesforce.
func (p *pass) countCalls(n int) {
	if p.bulk != nil {
		p.bulk.cost.Salesforce += n
	}
}

// bySize splits conditions into sets that fit into one query each, and returns the positions of each set.
func bySize(conditions []string) (sets [][]int) {
	size := querySize
	for n, text := range conditions {
		length := len(url.QueryEscape(text)) + len("+OR+")
		if size+length > querySize {
			sets, size = append(sets, nil), 0
		}
		sets[len(sets)-1] = append(sets[len(sets)-1], n)
		size += length
	}
	return sets
}

// pick returns the elements at positions.
func pick[T any](all []T, positions []int) []T {
	some := make([]T, len(positions))
	for n, at := range positions {
		some[n] = all[at]
	}
	return some
}

// selectIn selects the records of an object that have one of these texts in a field. It returns the answers, and for
// each the positions of its texts.
func (p *pass) selectIn(ctx context.Context, fields, object, field string, texts []string) ([]selected, [][]int) {
	quoted := make([]string, len(texts))
	for n, text := range texts {
		quoted[n] = sfclient.Quote(text)
	}
	sets := bySize(quoted)
	soqls := make([]string, len(sets))
	for n, set := range sets {
		soqls[n] = "SELECT " + fields + " FROM " + object + " WHERE " + field + " IN (" +
			strings.Join(pick(quoted, set), ", ") + ")"
	}
	return p.selectEach(ctx, soqls), sets
}

// shape describes an object. Each process asks Salesforce once.
func (p *pass) shape(ctx context.Context, object string) (*sfclient.Object, error) {
	if p.isDry() {
		if _, counted := p.described.LoadOrStore(object, true); !counted {
			p.countCalls(1)
		}
	}
	return p.Salesforce.Shape(ctx, object)
}
