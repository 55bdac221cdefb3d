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

// question is a query for records by the same fields of one object.
type question struct {
	object, fields, except string
	only                   string // the field, if it is only one
}

// candidates queries Salesforce for the records with the plans' match values, oldest records first. One call carries
// several queries, each for one object and one set of fields.
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
	var open []lookup
	for q, byKey := range asked {
		some := slices.Collect(maps.Values(byKey))
		conditions := q.conditions(some)
		for _, set := range bySize(conditions) {
			open = append(open, lookup{q, pick(some, set), pick(conditions, set)})
		}
	}
	found := map[string][]candidate{}
	for len(open) > 0 {
		var again []lookup
		soqls := make([]string, len(open))
		for n, l := range open {
			soqls[n] = l.soql(l.conditions)
		}
		for n, answer := range p.selectEach(ctx, soqls) {
			l := open[n]
			switch {
			case answer.err != nil && permanent(answer.err) && len(l.plans) > 1: // one of the values is at fault
				again = append(again, l.halves()...)
			case answer.err != nil:
				retryAll(alike(plans, l.plans), fmt.Errorf("looking up %s: %w", l.object, answer.err))
			}
			for _, record := range answer.records {
				p.sort(record, l.plans[0], found)
			}
		}
		open = again
	}
	return found
}

// lookup is a query for the records of some plans, with a condition for each.
type lookup struct {
	question
	plans      []planned
	conditions []string
}

func (l lookup) halves() []lookup {
	half := len(l.plans) / 2
	return []lookup{{l.question, l.plans[:half], l.conditions[:half]}, {l.question, l.plans[half:], l.conditions[half:]}}
}

// question returns how to search for a plan's record. Converted leads are excluded because they are read-only, and
// person accounts because they are neither companies nor independent contacts.
func (p *pass) question(ctx context.Context, d planned) (question, error) {
	rec := d.plan.Record
	fields := slices.Sorted(maps.Keys(plan.MatchValues(rec, d.plan.Write.Fields)))
	q := question{object: rec.Object, fields: strings.Join(fields, ", ")}
	if len(fields) == 1 {
		q.only = fields[0]
	}
	if !rec.Shared {
		q.fields += ", " + p.Mapping.Key
	}
	if p.bulk != nil && !rec.Shared {
		q.fields = strings.Join(slices.Sorted(maps.Keys(addAll(nil, append(p.fieldsOf(rec), fields...)))), ", ")
	}
	shape, err := p.shape(ctx, rec.Object)
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

// conditions returns the condition of each plan: the value of the only field, or a comparison of several.
func (q question) conditions(some []planned) []string {
	conditions := make([]string, len(some))
	for n, d := range some {
		values := plan.MatchValues(d.plan.Record, d.plan.Write.Fields)
		if conditions[n] = condition(values); q.only != "" {
			conditions[n] = literal(values[q.only])
		}
	}
	return conditions
}

func (q question) soql(conditions []string) string {
	either := strings.Join(conditions, " OR ")
	if q.only != "" {
		either = q.only + " IN (" + strings.Join(conditions, ", ") + ")"
	}
	if q.except != "" {
		either = "(" + either + ")" + q.except
	}
	return "SELECT Id, " + q.fields + " FROM " + q.object + " WHERE " + either + " ORDER BY CreatedDate, Id"
}

// alike returns the plans that share a match value with one of some.
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
		parts = append(parts, name+" = "+literal(values[name]))
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}

// literal returns a match value as a SOQL literal.
func literal(value any) string {
	if s, ok := value.(string); ok {
		return sfclient.Quote(strings.TrimSpace(s))
	}
	return fmt.Sprint(value)
}

// candidate is a record with the requested match values.
type candidate struct {
	id    string
	item  int64 // the item it belongs to by its key or our links; 0: none
	keyed bool  // by its key
}
