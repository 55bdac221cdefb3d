package audit

import (
	"cmp"
	"slices"

	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// userRef is a reference to a Salesforce user by Id.
type userRef struct {
	id string // 18 characters
	at mapping.Place
}

// UserIDs returns the Ids, of 18 characters, of the users that the mapping names, each once.
func UserIDs(m *mapping.Mapping) []string {
	var ids []string
	for _, ref := range userRefs(m) {
		ids = append(ids, ref.id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// userRefs finds the default owner, and every text the mapping writes that is the Id of a user.
func userRefs(m *mapping.Mapping) (refs []userRef) {
	add := func(value any, at mapping.Place) {
		text, _ := value.(string)
		if id, ok := sfclient.ID18(text); ok && id[:3] == "005" {
			refs = append(refs, userRef{id, at})
		}
	}
	add(m.Owner, m.OwnerAt())
	for _, b := range m.Boards {
		for _, r := range b.Records {
			for _, f := range r.Fields {
				value, _ := f.Fixed()
				add(value, f.At("value"))
				value, _, _ = f.Default()
				add(value, f.At("default"))
				for _, c := range f.Labels() {
					add(c.Value, c.At)
				}
			}
		}
	}
	slices.SortFunc(refs, func(a, b userRef) int {
		return cmp.Or(cmp.Compare(a.at.Line, b.at.Line), cmp.Compare(a.at.Column, b.at.Column))
	})
	return refs
}

// users checks that the users named by the mapping exist and are active: Salesforce rejects a record whose owner is
// not.
func (a *auditor) users() {
	if a.live.Users == nil {
		return
	}
	for _, ref := range userRefs(a.mapping) {
		what := "user"
		if ref.at == a.mapping.OwnerAt() {
			what = "the default owner"
		}
		active, ok := a.live.Users[ref.id]
		switch {
		case !ok:
			a.find(Error, Salesforce, ref.at, "%s %s does not exist or is not visible to the run-as user", what, ref.id)
		case !active:
			a.find(Error, Salesforce, ref.at, "%s %s is inactive: Salesforce does not accept it as the owner of a "+
				"record",
				what, ref.id)
		}
	}
}
