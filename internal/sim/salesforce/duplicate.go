package salesforce

import (
	"cmp"
	"slices"
)

// DuplicateRule refuses records that are like another one.
type DuplicateRule struct {
	Object string
	Name   string   // empty: Object and "_DR"
	Fields []string // two records are alike that have the same values in all of these, none of them null
	Block  bool     // refuses in any case; else it alerts: a call with allowSave=true passes
}

// AddDuplicateRule adds a rule. It runs over rows that create a record, and over those that change one of the fields.
// A single record that is refused is answered with the Ids of the records that are like it, as far as they are not
// hidden; rows of a collection are answered with the code alone.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/headers-duplicaterules.html
func (s *Sim) AddDuplicateRule(rule DuplicateRule) {
	t := s.mustTable(rule.Object)
	rule.Name = cmp.Or(rule.Name, t.Name+"_DR")
	columns := make([]*column, len(rule.Fields))
	for i, name := range rule.Fields {
		columns[i] = t.mustColumn(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.duplicates = append(t.duplicates, duplicateRule{rule, columns})
}

type duplicateRule struct {
	DuplicateRule
	columns []*column
}

// checkDuplicates asks the rules about values that are to be saved. old is nil on create.
func (x *tx) checkDuplicates(t *table, values []any, old *record) []*failure {
	if !x.api {
		return nil
	}
	for _, rule := range t.duplicates {
		if x.options.allowSave && !rule.Block || old != nil && rule.same(old.values, values) {
			continue
		}
		if found := rule.find(t, values, old); len(found) > 0 {
			const advice = "You're creating a duplicate record. We recommend you use an existing record instead."
			f := fail("DUPLICATES_DETECTED", "%s", advice)
			f.duplicates = x.describeDuplicates(rule, advice, found)
			return list(f)
		}
	}
	return nil
}

func (r duplicateRule) same(a, b []any) bool {
	return !slices.ContainsFunc(r.columns, func(c *column) bool { return a[c.index] != b[c.index] })
}

func (r duplicateRule) find(t *table, values []any, old *record) []*record {
	var found []*record
	for i, c := range r.columns {
		if values[c.index] == nil {
			return nil
		}
		if i == 0 {
			found = slices.Clone(t.find(c, values[c.index]))
			continue
		}
		found = slices.DeleteFunc(found, func(rec *record) bool {
			return rec.values[c.index] == nil || c.fold(rec.values[c.index]) != c.fold(values[c.index])
		})
	}
	return slices.DeleteFunc(found, func(rec *record) bool { return rec == old })
}

// describeDuplicates is what a single record's refusal says beside its code.
func (x *tx) describeDuplicates(rule duplicateRule, advice string, found []*record) any {
	records := []any{}
	for _, rec := range found {
		if rec.hidden {
			continue
		}
		attributes := map[string]any{"type": rec.table.Name, "url": "/services/data" + rec.table.path(rec.id)}
		shown := map[string]any{"attributes": attributes, "Id": rec.id}
		if x.options.allDetails {
			for _, c := range rule.columns {
				shown[c.Name] = rec.values[c.index]
			}
		}
		records = append(records, map[string]any{
			"additionalInformation": []any{}, "fieldDiffs": []any{}, "matchConfidence": 100.0, "record": shown,
		})
	}
	return map[string]any{
		"allowSave": !rule.Block, "duplicateRule": rule.Name, "duplicateRuleEntityType": rule.Object, "errorMessage": advice,
		"matchResults": []any{map[string]any{
			"entityType": rule.Object, "errors": []any{}, "matchEngine": "ExactMatchEngine", "matchRecords": records,
			"rule": rule.Object + "_MR", "size": len(records), "success": true,
		}},
	}
}
