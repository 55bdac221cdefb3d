package salesforce

import (
	"cmp"
	"slices"
)

// DuplicateRule rejects records that duplicate another one.
type DuplicateRule struct {
	Object string
	Name   string   // empty: Object and "_DR"
	Fields []string // two records are duplicates if they have equal values, none of them null, in all of these
	Block  bool     // always rejects; otherwise the rule alerts, and a call with allowSave=true passes
}

// AddDuplicateRule adds a rule. It runs on rows that create a record, and on those that change one of the fields. The
// rejection of a single record includes the Ids of its duplicates, except hidden ones; rows of a collection get only
// the code.
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

// checkDuplicates applies the rules to values about to be saved. old is nil on create.
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

// describeDuplicates returns what the rejection of a single record includes besides its code.
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
