package audit

import (
	"slices"
	"strings"

	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// keyLength is how many characters the key field must hold: as many as the largest id of an item can have.
const keyLength = 18

// record checks what a record writes against its object.
func (a *auditor) record(r *mapping.Record, known columns) {
	if a.live.Objects == nil {
		return
	}
	object := a.live.Objects[r.Object]
	if object == nil {
		a.find(Error, Salesforce, r.At("object"), "there is no object %s, or the login's user may not see it", r.Object)
		return
	}
	if !r.Shared {
		a.key(r, object)
	}
	a.required(r, object)
	for _, f := range r.Fields {
		field, ok := fieldOf(object, f.Name)
		if !ok {
			a.find(Error, Salesforce, f.At(""), "%s has no field %s that the login's user may see%s", object.Name, f.Name,
				mapping.Suggestion(f.Name, fieldNames(object)))
			continue
		}
		a.access(r, f, object, field)
		a.emptiness(r, f, object, field)
		a.fit(f, fitting{name: object.Name + "." + field.Name, field: field, columns: known})
	}
}

// key checks the field that holds the item's id.
func (a *auditor) key(r *mapping.Record, object *sfclient.Object) {
	at, name := r.At("object"), object.Name+"."+a.mapping.Key
	k, ok := fieldOf(object, a.mapping.Key)
	if !ok {
		a.find(Error, Salesforce, at, "%s has no field %s, the key, that the login's user may see", object.Name, a.mapping.Key)
		return
	}
	if k.Type != "string" {
		a.find(Error, Salesforce, at, "the key %s is of type %s; it must be a text", name, k.Type)
	} else if k.Length < keyLength {
		a.find(Error, Salesforce, at, "the key %s holds %d characters; an item's id can have %d", name, k.Length, keyLength)
	}
	if !k.ExternalID {
		a.find(Error, Salesforce, at, "the key %s is not an external ID: records cannot be upserted by it", name)
	}
	if !k.Unique {
		a.find(Error, Salesforce, at, "the key %s is not unique: an item could have two records", name)
	}
	if !k.Createable || !k.Updateable {
		a.find(Error, Salesforce, at, "the key %s cannot be written by the login's user", name)
	}
}

// required names the fields without which Salesforce makes no record.
func (a *auditor) required(r *mapping.Record, object *sfclient.Object) {
	for _, field := range object.Fields {
		mapped := slices.ContainsFunc(r.Fields, func(f *mapping.Field) bool { return strings.EqualFold(f.Name, field.Name) })
		if Required(field) && !mapped && !strings.EqualFold(field.Name, a.mapping.Key) {
			a.find(Error, Salesforce, r.At("fields"), "%s.%s is required, and the record leaves it out", object.Name, field.Name)
		}
	}
}

// Required reports whether a record cannot be made without the field.
func Required(f sfclient.Field) bool { return f.Createable && !f.Nillable && !f.DefaultedOnCreate }

// access checks that the login's user may write a field.
func (a *auditor) access(r *mapping.Record, f *mapping.Field, object *sfclient.Object, field sfclient.Field) {
	name := object.Name + "." + field.Name
	_, fixed := f.Fixed()
	switch {
	case !field.Createable && !field.Updateable:
		a.find(Error, Salesforce, f.At(""), "%s is read-only to the login's user", name)
	case !field.Createable:
		a.find(Error, Salesforce, f.At(""), "%s cannot be set by the login's user when a record is made", name)
	case !field.Updateable && !r.Shared && !fixed:
		a.find(Warning, Salesforce, f.At(""), "%s can be set only when a record is made: a later change is refused", name)
	}
	if f.Name != field.Name {
		a.find(Warning, Salesforce, f.At(""), "Salesforce writes %s; write it the same way", name)
	}
}

// emptiness warns of a required field that an item may leave empty.
func (a *auditor) emptiness(r *mapping.Record, f *mapping.Field, object *sfclient.Object, field sfclient.Field) {
	_, _, defaulted := f.Default()
	if !Required(field) || defaulted || f.IsTemplate() || len(f.Columns()) == 0 {
		return
	}
	id := f.Columns()[0]
	if _, gated := r.When[id]; id != itemName && !gated {
		a.find(Warning, Salesforce, f.At(""), "%s.%s is required, and there is no default: while column %q is empty, no record is made", object.Name, field.Name, id)
	}
}

// fieldOf finds a field by name. Salesforce does not tell cases apart.
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
