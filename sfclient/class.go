package sfclient

import "strings"

// Class says what is to be done about a failure.
type Class uint8

// The classes.
const (
	Transient Class = iota // try again; each try counts
	Outage                 // Salesforce is away, or does not let us in: wait
	Quota                  // the calls of 24 hours are used up: wait longer
	Throttle               // too many calls at once: wait a little
	Gone                   // the record, or one that it refers to, is deleted
	Duplicate              // there is such a record already
	Permanent              // will fail in the same way until someone changes something
)

func (c Class) String() string {
	switch c {
	case Outage:
		return "outage"
	case Quota:
		return "quota"
	case Throttle:
		return "throttle"
	case Gone:
		return "gone"
	case Duplicate:
		return "duplicate"
	case Permanent:
		return "permanent"
	}
	return "transient"
}

// Codes whose class depends on more than the code.
const (
	codeRequestLimit = "REQUEST_LIMIT_EXCEEDED"
	codeTrigger      = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
	codeFlow         = "CANNOT_EXECUTE_FLOW_TRIGGER"
	codeSession      = "INVALID_SESSION_ID"
)

// classes are of the codes that are not Permanent.
var classes = map[string]Class{
	"":                                  Transient,
	"UNABLE_TO_LOCK_ROW":                Transient,
	"SERVER_UNAVAILABLE":                Transient,
	"UNKNOWN_EXCEPTION":                 Transient,
	"INTERNAL_ERROR":                    Transient,
	"QUERY_TIMEOUT":                     Transient,
	"INVALID_QUERY_LOCATOR":             Transient, // it expired
	"TXN_SECURITY_RUNTIME_EXCEPTION":    Transient,
	"PROCESSING_HALTED":                 Transient, // by a sibling
	"ALL_OR_NONE_OPERATION_ROLLED_BACK": Transient, // by a sibling

	codeSession:              Outage,
	"INVALID_AUTH_HEADER":    Outage,
	"API_DISABLED_FOR_ORG":   Outage,
	"API_CURRENTLY_DISABLED": Outage,

	"UNSUPPORTED_API_VERSION": Outage, // nothing will pass until somebody sets another

	"NOT_FOUND":                   Gone,
	"ENTITY_IS_DELETED":           Gone,
	"INVALID_CROSS_REFERENCE_KEY": Gone,

	"DUPLICATE_VALUE":       Duplicate,
	"DUPLICATES_DETECTED":   Duplicate,
	"DUPLICATE_EXTERNAL_ID": Duplicate,
}

// classOf is the class of a code, with the message where the code alone does not tell.
func classOf(code, message string) Class {
	switch code {
	case codeRequestLimit:
		if strings.Contains(message, "Concurrent") {
			return Throttle
		}
		return Quota
	case codeTrigger, codeFlow: // what went wrong in the org's own Apex or flow
		if strings.Contains(message, "UNABLE_TO_LOCK_ROW") || strings.Contains(message, "Too many ") {
			return Transient
		}
		return Permanent
	}
	if class, known := classes[code]; known {
		return class
	}
	return Permanent
}
