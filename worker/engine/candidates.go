package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
)

// querySize limits the conditions of one query: a request line may have at most 16,384 bytes.
//
// https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
const querySize = 8_000

// question is a query for records by the same fields of one object.
type question struct{ object, fields, except string }

// candidates queries Salesforce for the records with the plans' match values: one query for each object and set of
// fields, oldest records first.
func (p *pass) candidates(ctx context.Context, plans []planned) map[string][]candidate {
	asked := map[question]map[string]planned{} // by match key
	for _, d := range plans {
		q, err := p.question(ctx, d)
		if err != nil {
			d.work.retry(err)
			continue
		}
		if asked[q] == nil {
			asked[q] = map[string]planned{}
		}
		asked[q][d.plan.Match] = d
	}
	found := map[string][]candidate{}
	for q, byKey := range asked {
		for _, some := range bySize(slices.Collect(maps.Values(byKey))) {
			records, err := p.Salesforce.Select(ctx, q.soql(some))
			if err != nil {
				retryAll(alike(plans, some), fmt.Errorf("looking up %s: %w", q.object, err))
				continue
			}
			for _, record := range records {
				p.sort(record, some[0], found)
			}
			if p.bulk != nil {
				p.bulk.cost.Salesforce++
			}
		}
	}
	return found
}

// question returns how to look for a plan's record. Converted leads are excluded because they are read-only, and
// person accounts because they are neither companies nor independent contacts.
func (p *pass) question(ctx context.Context, d planned) (question, error) {
	rec := d.plan.Record
	fields := slices.Sorted(maps.Keys(plan.MatchValues(rec, d.plan.Write.Fields)))
	q := question{object: rec.Object, fields: strings.Join(fields, ", ")}
	if !rec.Shared {
		q.fields += ", " + p.Mapping.Key
	}
	if p.bulk != nil && !rec.Shared {
		q.fields = strings.Join(slices.Sorted(maps.Keys(addAll(nil, append(p.fieldsOf(rec), fields...)))), ", ")
	}
	shape, err := p.Salesforce.Shape(ctx, rec.Object)
	if err != nil {
		return q, fmt.Errorf("describing %s: %w", rec.Object, err)
	}
	for _, field := range []string{"IsConverted", "IsPersonAccount"} {
		if shape.Has(field) {
			q.except += " AND " + field + " = false"
		}
	}
	return q, nil
}

func (q question) soql(some []planned) string {
	conditions := make([]string, len(some))
	for n, d := range some {
		conditions[n] = condition(plan.MatchValues(d.plan.Record, d.plan.Write.Fields))
	}
	any := strings.Join(conditions, " OR ")
	if q.except != "" {
		any = "(" + any + ")" + q.except
	}
	return "SELECT Id, " + q.fields + " FROM " + q.object + " WHERE " + any + " ORDER BY CreatedDate, Id"
}

// alike returns the plans that share a match value with some of them.
func alike(plans, some []planned) []planned {
	return slices.DeleteFunc(slices.Clone(plans), func(d planned) bool {
		return !slices.ContainsFunc(some, func(other planned) bool { return other.plan.Match == d.plan.Match })
	})
}

// sort adds a record under the match keys it satisfies.
func (p *pass) sort(record sfclient.Record, like planned, found map[string][]candidate) {
	values := map[string]any{}
	for name := range plan.MatchValues(like.plan.Record, like.plan.Write.Fields) {
		values[name] = record[name]
	}
	id, _ := record["Id"].(string)
	if p.bulk != nil && !like.plan.Record.Shared {
		p.holds[id] = record
	}
	key, _ := record[p.Mapping.Key].(string)
	match := plan.KeyOf(like.plan.Record, values)
	found[match] = append(found[match], candidate{id: id, item: keyItem(record, p.Mapping.Key), keyed: key != ""})
}

func condition(values map[string]any) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		text := fmt.Sprint(values[name])
		if s, ok := values[name].(string); ok {
			text = sfclient.Quote(strings.TrimSpace(s))
		}
		parts = append(parts, name+" = "+text)
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}

// bySize splits plans into queries of limited length.
func bySize(plans []planned) (chunks [][]planned) {
	size := querySize
	for _, d := range plans {
		length := 3*len(condition(plan.MatchValues(d.plan.Record, d.plan.Write.Fields))) + len(" OR ") // percent-encoded at worst
		if size+length > querySize {
			chunks, size = append(chunks, nil), 0
		}
		chunks[len(chunks)-1] = append(chunks[len(chunks)-1], d)
		size += length
	}
	return chunks
}

// candidate is a record with the requested match values.
type candidate struct {
	id    string
	item  int64 // the item it belongs to by its key or our links; 0: none
	keyed bool  // by its key
}
