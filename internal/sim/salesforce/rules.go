package salesforce

import (
	"cmp"
	"slices"
	"strings"
)

// Validation is a validation rule of an org.
type Validation struct {
	Object string

	// Invalid reports whether a record, as it would be saved, is rejected. It must not use the simulator.
	Invalid func(record map[string]any) bool

	Fields []string // named by the error; none: the error applies to the whole record
	Code   string   // empty: FIELD_CUSTOM_VALIDATION_EXCEPTION
	Text   string   // empty: a default text
}

// AddValidation adds a rule. Rules run after Salesforce's own checks.
func (s *Sim) AddValidation(v Validation) {
	t := s.mustTable(v.Object)
	for _, field := range v.Fields {
		t.mustColumn(field)
	}
	v.Code = cmp.Or(v.Code, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
	v.Text = cmp.Or(v.Text, "The record does not meet the organization's rules.")
	s.mu.Lock()
	defer s.mu.Unlock()
	t.validations = append(t.validations, v)
}

// EnableStatesAndCountries turns the states and countries of all addresses into picklists: a country must be a key of
// states, a state must be listed for its country if that lists any, and a state requires a country.
//
// https://help.salesforce.com/s/articleView?id=sf.admin_state_country_picklists_overview.htm
func (s *Sim) EnableStatesAndCountries(states map[string][]string) {
	for _, t := range s.tables {
		for i := range t.columns {
			kind, isCountry := strings.CutSuffix(t.columns[i].Name, "Country")
			state, ok := t.column(kind + "State")
			if !isCountry || !ok {
				continue
			}
			s.addAddress(t, state.Name, t.columns[i].Name, states)
		}
	}
}

func (s *Sim) addAddress(t *table, state, country string, states map[string][]string) {
	add := func(field, text string, invalid func(state, country string) bool) {
		s.AddValidation(Validation{
			Object: t.Name, Fields: []string{field}, Code: "FIELD_INTEGRITY_EXCEPTION", Text: text + ": " + field,
			Invalid: func(record map[string]any) bool {
				in, _ := record[country].(string)
				at, _ := record[state].(string)
				return invalid(at, in)
			},
		})
	}
	add(country, "There's a problem with this country, even though it may appear correct. "+
		"Please select a country/territory from the list of valid countries.", func(_, country string) bool {
		_, known := states[country]
		return country != "" && !known
	})
	alone := func(state, country string) bool { return state != "" && country == "" }
	add(state, "A country/territory must be specified before specifying a state value for field", alone)
	add(state, "There's a problem with this state, even though it may appear correct. "+
		"Please select a state from the list of valid states.", func(state, country string) bool {
		valid := states[country]
		return state != "" && len(valid) > 0 && !slices.Contains(valid, state)
	})
}

// validate applies the rules to values about to be saved.
func (t *table) validate(values []any) []*failure {
	if len(t.validations) == 0 {
		return nil
	}
	var failures []*failure
	record := t.fieldsOf(values)
	for _, v := range t.validations {
		if v.Invalid(record) {
			failures = append(failures, fail(v.Code, "%s", v.Text).on(v.Fields...))
		}
	}
	return failures
}
