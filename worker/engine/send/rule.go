package send

import (
	"regexp"
	"slices"
	"strings"

	"crmsync/sfclient"
)

// Codes that are checked in more than one place.
const (
	codeDeleted    = "ENTITY_IS_DELETED"
	codeConverted  = "CANNOT_UPDATE_CONVERTED_LEAD"
	codeRequired   = "REQUIRED_FIELD_MISSING"
	codeDetected   = "DUPLICATES_DETECTED"
	codeValue      = "DUPLICATE_VALUE"
	codeExternalID = "DUPLICATE_EXTERNAL_ID"
	codeTrigger    = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
	codeFlow       = "CANNOT_EXECUTE_FLOW_TRIGGER"
	codeNone       = "UNKNOWN_EXCEPTION" // for a rejection without a code
)

// rule is what is known about an error code. For a code without a rule, another row of the call may be at fault, and
// any field may explain it.
type rule struct {
	own       bool // Salesforce checks each row on its own: no other row of the call is at fault
	whole     bool // no field explains it
	creation  bool // when a record is created, only a suspect field explains it
	dependent bool // it depends on other fields, on the record's state or on another record

	// suspect reports whether the code hints at the field; nil if it hints at none.
	suspect func(w Write, field string) bool
}

var rules = map[string]rule{
	codeTrigger: {dependent: true},
	codeFlow:    {dependent: true},

	"FIELD_CUSTOM_VALIDATION_EXCEPTION": {own: true, dependent: true},
	"FIELD_INTEGRITY_EXCEPTION":         {own: true, dependent: true},
	"FIELD_FILTER_VALIDATION_EXCEPTION": {own: true, dependent: true, suspect: isReference},

	codeDeleted:                   {own: true, suspect: isReference},
	"INVALID_CROSS_REFERENCE_KEY": {own: true, suspect: isReference},
	"NOT_FOUND":                   {own: true, suspect: isReference},
	"MALFORMED_ID":                {own: true, suspect: isReference},
	"CIRCULAR_DEPENDENCY":         {own: true, suspect: isReference},
	"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": {own: true, dependent: true, suspect: isReference},
	"INSUFFICIENT_ACCESS_OR_READONLY":               {own: true, creation: true, dependent: true, suspect: isReference},
	"INSUFFICIENT_ACCESS":                           {own: true, creation: true, dependent: true, suspect: isReference},
	"INACTIVE_OWNER_OR_USER":                        {own: true, dependent: true, suspect: isUser},
	"TRANSFER_REQUIRES_READ":                        {own: true, dependent: true, suspect: isUser},
	"OP_WITH_INVALID_USER_TYPE_EXCEPTION":           {own: true, dependent: true, suspect: isUser},

	"ENTITY_IS_LOCKED": {own: true, whole: true, dependent: true},
	codeConverted:      {own: true, whole: true},
	codeRequired:       {own: true, whole: true, dependent: true},
	"MISSING_ARGUMENT": {own: true, whole: true},
	codeExternalID:     {own: true, whole: true},
	"DELETE_FAILED":    {own: true, whole: true, dependent: true},

	// A new record that evades a duplicate rule by leaving out what the rule compares is still a duplicate.
	codeDetected: {own: true, creation: true, dependent: true},
	codeValue:    {own: true},

	"STRING_TOO_LONG":                         {own: true, suspect: isText},
	"INVALID_EMAIL_ADDRESS":                   {own: true, suspect: isEmail},
	"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": {own: true, suspect: isText},
	"NUMBER_OUTSIDE_VALID_RANGE":              {own: true, suspect: isNumber},
	"INVALID_TYPE_ON_FIELD_IN_RECORD":         {own: true},
	"INVALID_FIELD_FOR_INSERT_UPDATE":         {own: true},
	"FAILED_ACTIVATION":                       {own: true},
}

// isReference reports whether a field holds, or seems to hold, the Id of another record.
func isReference(w Write, field string) bool {
	text, _ := w.Fields[field].(string)
	_, isID := sfclient.ID18(text)
	return w.References[field] != "" || strings.HasSuffix(field, "Id") || isID && len(text) == 18
}

func isUser(w Write, field string) bool { return w.References[field] == "User" || field == "OwnerId" }

func isEmail(_ Write, field string) bool { return strings.Contains(strings.ToLower(field), "mail") }

func isText(w Write, field string) bool {
	_, ok := w.Fields[field].(string)
	return ok
}

func isNumber(w Write, field string) bool {
	switch w.Fields[field].(type) {
	case nil, string, bool:
		return false
	}
	return true
}

// isContagious reports whether a row may be rejected because of another one in its call: Apex, flows and governor
// limits fail all rows of a call together.
func isContagious(e sfclient.RowError) bool {
	switch e.Class() {
	case sfclient.Oversized:
		return true
	case sfclient.Permanent:
		return e.Code == codeTrigger || e.Code == codeFlow || len(e.Fields) == 0 && !rules[e.Code].own
	}
	return false
}

// mentions reports whether a message contains the field's name as a word.
func mentions(message, field string) bool {
	for rest := message; ; {
		n := strings.Index(rest, field)
		if n < 0 {
			return false
		}
		end := n + len(field)
		if (n == 0 || !isWord(rest[n-1])) && (end == len(rest) || !isWord(rest[end])) {
			return true
		}
		rest = rest[end:]
	}
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// duplicateIDs finds the Ids in the messages of duplicates, which contain no value of a record.
var duplicateIDs = regexp.MustCompile(`(?:with id: |\[|, )([0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?)\b`)

// recordsIn returns the records that an error names as holding the same value.
func recordsIn(e sfclient.RowError) (ids []string) {
	if e.Code != codeValue && e.Code != codeExternalID {
		return nil
	}
	for _, match := range duplicateIDs.FindAllStringSubmatch(e.Message, -1) {
		if id, ok := sfclient.ID18(match[1]); ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}
