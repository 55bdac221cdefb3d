package monday

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

// kind is the behavior of a column type.
type kind struct {
	hook     string // its name in webhooks, which differs from the API's
	object   string // the GraphQL type of its values
	nullText bool   // an empty text is null, not ""

	// parse reads a value in the form of column_values, plain in the form of change_simple_column_value. A nil content
	// clears the column.
	parse func(w *write, raw map[string]any) (content, error)
	plain func(w *write, text string) (content, error)
}

// content is the value of a column of an item; nil if it is empty. Contents are immutable.
type content interface {
	// text returns the API's text field.
	text() string
	// stored returns the JSON of the API's value field; at is the time of the change.
	stored(at string) any
	// hooked returns the value in the form of webhooks.
	hooked(at string) any
	// field returns a field that only the GraphQL type of this content has.
	field(name string) any
}

// write is the context in which a column's value is parsed.
type write struct {
	sim          *Sim // locked for writing
	column       *column
	createLabels bool
	loading      bool // loading saved content, in which linked items may be deleted or not loaded yet
}

// object is a JSON object.
type object = map[string]any

// kindOf maps Monday's ColumnType to the kinds. A kind without parse and plain cannot be written.
//
// https://developer.monday.com/api-reference/reference/column-types-reference
func kindOf(columnType string) kind {
	switch columnType {
	case "board_relation":
		return kind{hook: "board-relation", object: "BoardRelationValue", nullText: true, parse: parseRelation}
	case "checkbox":
		return kind{hook: "boolean", object: "CheckboxValue", parse: parseCheckbox, plain: plainCheckbox}
	case "country":
		return kind{hook: "country", object: "CountryValue", parse: parseCountry, plain: plainCountry}
	case "date":
		return kind{hook: "date", object: "DateValue", parse: parseDate, plain: plainDate}
	case "dropdown":
		return kind{hook: "dropdown", object: "DropdownValue", nullText: true, parse: parseDropdown, plain: plainDropdown}
	case "email":
		return kind{hook: "email", object: "EmailValue", parse: parseEmail, plain: plainEmail}
	case "link":
		return kind{hook: "link", object: "LinkValue", parse: parseLink, plain: plainLink}
	case "long_text":
		return kind{hook: "long-text", object: "LongTextValue", parse: parseLongText, plain: plainLongText}
	case "mirror":
		return kind{hook: "lookup", object: "MirrorValue", nullText: true}
	case "numbers":
		return kind{hook: "numeric", object: "NumbersValue", plain: plainNumber}
	case "people":
		return kind{hook: "multiple-person", object: "PeopleValue", parse: parsePeople, plain: plainPeople}
	case "phone":
		return kind{hook: "phone", object: "PhoneValue", parse: parsePhone, plain: plainPhone}
	case "status":
		return kind{hook: "color", object: "StatusValue", nullText: true, parse: parseStatus, plain: plainStatus}
	case "text":
		return kind{hook: "text", object: "TextValue", plain: plainText}
	default:
		return kind{hook: columnType, object: "UnsupportedValue"}
	}
}

// read parses a value in the form of column_values: an object, a plain string if the type has one, or null. Numbers may
// also come as JSON numbers.
func (w *write) read(raw any) (content, error) {
	if w.column.kind.parse == nil && w.column.kind.plain == nil {
		return nil, w.refuse("", "this column is read-only or not supported by the API")
	}
	if number, ok := raw.(json.Number); ok && w.column.Type == "numbers" {
		raw = number.String()
	}
	var c content
	err := errForm
	switch raw := raw.(type) {
	case nil:
		return nil, nil
	case string:
		if raw == "" {
			return nil, nil
		}
		if w.column.kind.plain != nil {
			c, err = w.column.kind.plain(w, raw)
		}
	case object:
		if len(raw) == 0 {
			return nil, nil
		}
		if w.column.kind.parse != nil {
			c, err = w.column.kind.parse(w, raw)
		}
	}
	if err != nil {
		return nil, w.explain(err)
	}
	return c, nil
}

// errForm means that a value does not have the form of its column type.
var errForm = errors.New("invalid value, please check our API documentation for the correct data structure for this " +
	"column. " +
	"https://developer.monday.com/api-reference/docs/change-column-values")

// labelError is a label that the column does not have.
type labelError struct{ message string }

func (e *labelError) Error() string { return e.message }

// explain turns a parse error into Monday's ColumnValueException.
func (w *write) explain(err error) error {
	var missing *labelError
	if errors.As(err, &missing) {
		return w.refuse("missingLabel", missing.message)
	}
	return w.refuse("", err.Error())
}

func (w *write) refuse(code, message string) error {
	data := object{"column_id": w.column.ID, "column_name": w.column.Title, "column_type": w.column.kind.hook}
	if code != "" {
		data["column_validation_error_code"] = code
	}
	return &apiError{code: "ColumnValueException", message: message, data: data}
}

// only reports whether an object has the first key, and no other keys than those given.
func only(raw object, first string, rest ...string) bool {
	if _, ok := raw[first]; !ok {
		return false
	}
	for key := range maps.Keys(raw) {
		if key != first && !slices.Contains(rest, key) {
			return false
		}
	}
	return true
}

// str returns a string of an object; absent and null are empty, anything but a string is an error.
func str(raw object, key string) (string, error) {
	switch v := raw[key].(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	default:
		return "", errForm
	}
}

// two returns two strings of an object, the first of which is required.
func two(raw object, first, second string) (a, b string, err error) {
	if !only(raw, first, second) {
		return "", "", errForm
	}
	if a, err = str(raw, first); err != nil {
		return "", "", err
	}
	b, err = str(raw, second)
	return a, b, err
}
