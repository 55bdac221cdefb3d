package audit

import "crmsync/sfclient"

// Kind is a type of field, as far as it affects what can be written to it.
type Kind string

// The kinds. A field with an empty kind is not checked.
const (
	Textual   Kind = "text"
	Numeric   Kind = "number"
	Boolean   Kind = "boolean"
	Date      Kind = "date"
	DateTime  Kind = "datetime"
	Reference Kind = "reference"
)

// KindOf returns the kind of a field.
//
// https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm
func KindOf(f sfclient.Field) Kind {
	switch f.Type {
	case "string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "combobox", "encryptedstring":
		return Textual
	case "double", "currency", "percent", "int", "long":
		return Numeric
	case "boolean":
		return Boolean
	case "date":
		return Date
	case "datetime":
		return DateTime
	case "reference":
		return Reference
	}
	return ""
}
