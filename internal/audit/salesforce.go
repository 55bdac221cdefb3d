package audit

import (
	"slices"
	"strings"

	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// keyLength is how many characters the key field must hold: the maximum length of an item's id.
const keyLength = 18

// record checks what a record writes against its object.
func (a *auditor) record(r *mapping.Record, known columns) {
	if a.live.Objects == nil {
		return
	}
	object := a.live.Objects[r.Object]
	if object == nil {
		a.find(Error, Salesforce, r.At("object"), "the object %s does not exist or is not visible to the run-as user%s",
			r.Object, mapping.Suggestion(r.Object, a.live.Others))
		return
	}
	a.rights(r, object)
	if !r.Shared {
		a.key(r, object)
	}
	a.checkRequired(r, object)
	a.currencies(r, object)
	for _, f := range r.Fields {
		field, ok := fieldOf(object, f.Name)
		if !ok {
			a.find(Error, Salesforce, f.At(""), "%s has no field %s that is visible to the run-as "+
				"user%s", object.Name, f.Name,
				mapping.Suggestion(f.Name, fieldNames(object)))
			continue
		}
		a.access(r, f, object, field)
		a.emptiness(r, f, object, field)
		name := object.Name + "." + field.Name
		a.fit(f, fitting{name: name, field: field, columns: known, timed: a.live.Timed[r.Board.ID]})
	}
}

// Access checks what every record of an object needs: the key, and the run-as user's permissions.
func Access(object *sfclient.Object, key string) []Finding {
	a := &auditor{mapping: &mapping.Mapping{Key: key}}
	r := &mapping.Record{}
	a.rights(r, object)
	a.key(r, object)
	return a.findings
}

// key checks the field that holds the item's id.
func (a *auditor) key(r *mapping.Record, object *sfclient.Object) {
	at, name := r.At("object"), object.Name+"."+a.mapping.Key
	k, ok := fieldOf(object, a.mapping.Key)
	if !ok {
		a.find(Error, Salesforce, at, "%s has no key field %s that is visible to the run-as user; create it as text "+
			"of %d "+
			"characters or more, External ID and Unique, and give the run-as user access to it",
			object.Name, a.mapping.Key, keyLength)
		return
	}
	if k.Type != "string" {
		a.find(Error, Salesforce, at, "the key %s is of type %s; it must be text", name, k.Type)
	} else if k.Length < keyLength {
		a.find(Error, Salesforce, at, "the key %s holds %s; an item's id can have %d",
			name, characters(k.Length), keyLength)
	}
	if !k.ExternalID {
		a.find(Error, Salesforce, at, "the key %s is not an External ID: records cannot be upserted by it", name)
	}
	if !k.Unique {
		a.find(Error, Salesforce, at, "the key %s is not Unique: an item could get two records", name)
	}
	if !k.Createable || !k.Updateable {
		a.find(Error, Salesforce, at, "the key %s cannot be written by the run-as user; give its permission set "+
			"edit access to the field", name)
	}
}

// rights checks the permissions of the run-as user on the records of an object. Permissions that the object does not
// report are not checked.
func (a *auditor) rights(r *mapping.Record, object *sfclient.Object) {
	if !object.Queryable {
		return
	}
	lacks := func(key, what string) {
		a.find(Error, Salesforce, r.At(key), "the run-as user may not %s records of %s", what, object.Name)
	}
	if !object.Createable {
		lacks("object", "create")
	}
	if !object.Updateable && !r.Shared {
		lacks("object", "update")
	}
	if !object.Deletable && r.DeleteWithItem {
		lacks("on_delete", "delete")
	}
}

// currencies warns about amounts without a currency if the org has several: only then does an object have a field for
// it.
func (a *auditor) currencies(r *mapping.Record, object *sfclient.Object) {
	const iso = "CurrencyIsoCode"
	if _, several := fieldOf(object, iso); !several || writes(r, iso) {
		return
	}
	for _, f := range r.Fields {
		if field, _ := fieldOf(object, f.Name); field.Type == "currency" {
			a.find(Warning, Salesforce, f.At(""), "%s.%s is an amount, and the org has several currencies: "+
				"a new record gets the currency of the run-as user; map %s too",
				object.Name, field.Name, iso)
		}
	}
}

// checkRequired lists the fields without which Salesforce does not create a record.
func (a *auditor) checkRequired(r *mapping.Record, object *sfclient.Object) {
	for _, field := range object.Fields {
		if Required(field) && !writes(r, field.Name) && !strings.EqualFold(field.Name, a.mapping.Key) {
			a.find(Error, Salesforce, r.At("fields"), "%s.%s is required, but the record does not set it",
				object.Name, field.Name)
		}
	}
}

// writes reports whether the record writes a field with this name.
func writes(r *mapping.Record, name string) bool {
	return slices.ContainsFunc(r.Fields, func(f *mapping.Field) bool {
		return f.Sync != mapping.ToMonday && strings.EqualFold(f.Name, name)
	})
}

// Required reports whether a record cannot be created without the field.
func Required(f sfclient.Field) bool { return f.Createable && !f.Nillable && !f.DefaultedOnCreate }

// access checks that the run-as user may write a field.
func (a *auditor) access(r *mapping.Record, f *mapping.Field, object *sfclient.Object, field sfclient.Field) {
	name := object.Name + "." + field.Name
	_, fixed := f.Fixed()
	switch {
	case f.Sync == mapping.ToMonday: // it is only read
	case field.Calculated:
		a.find(Error, Salesforce, f.At(""), "%s is a formula or a roll-up summary: it is calculated "+
			"and cannot be written", name)
	case !field.Createable && !field.Updateable:
		a.find(Error, Salesforce, f.At(""), "%s is read-only for the run-as user; if Salesforce allows it, give "+
			"its permission set edit access to the field", name)
	case !field.Createable:
		a.find(Error, Salesforce, f.At(""), "%s cannot be set by the run-as user when a record is created", name)
	case !field.Updateable && !r.Shared && !fixed:
		a.find(Warning, Salesforce, f.At(""), "%s can be set only when a record is created: later changes are rejected",
			name)
	}
	if f.Name != field.Name {
		a.find(Warning, Salesforce, f.At(""), "Salesforce spells it %s; use the same spelling", name)
	}
}

// emptiness warns about a required field that an item may leave empty.
func (a *auditor) emptiness(r *mapping.Record, f *mapping.Field, object *sfclient.Object, field sfclient.Field) {
	_, _, defaulted := f.Default()
	if !Required(field) || f.Sync == mapping.ToMonday || defaulted || f.IsTemplate() || len(f.Columns()) == 0 {
		return
	}
	id := f.Columns()[0]
	if _, gated := r.When[id]; id != itemName && !gated {
		a.find(Warning, Salesforce, f.At(""), "%s.%s is required, and there is no default: while column %q is "+
			"empty, no record is created", object.Name, field.Name, id)
	}
}

// fieldOf finds a field by name. Salesforce ignores case.
func fieldOf(object *sfclient.Object, name string) (sfclient.Field, bool) {
	if object == nil {
		return sfclient.Field{}, false
	}
	for _, f := range object.Fields {
		if strings.EqualFold(f.Name, name) {
			return f, true
		}
	}
	return sfclient.Field{}, false
}

func fieldNames(object *sfclient.Object) []string {
	var all []string
	for _, f := range object.Fields {
		all = append(all, f.Name)
	}
	return all
}
