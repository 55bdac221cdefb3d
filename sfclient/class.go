package sfclient

import (
	"regexp"
	"strings"
)

// Class is how a failure should be handled.
type Class uint8

// The classes.
const (
	Transient   Class = iota // temporary: attempt again; each attempt counts
	Outage                   // Salesforce is unavailable or rejects our login: wait
	Quota                    // the calls for 24 hours are used up: wait longer
	Throttle                 // too many calls at once: wait a little
	Gone                     // the record, or one it refers to, is deleted, merged away or not visible
	Duplicate                // such a record already exists
	Permanent                // fails in the same way until someone changes something
	Oversized                // the call exceeds the org's governor limits: fewer rows may succeed
	StorageFull              // nothing can be created until someone frees storage; updates succeed
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
	case Oversized:
		return "oversized"
	case StorageFull:
		return "storage full"
	}
	return "transient"
}

// Codes that are checked in more than one place.
const (
	codeRequestLimit = "REQUEST_LIMIT_EXCEEDED"
	codeTrigger      = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
	codeFlow         = "CANNOT_EXECUTE_FLOW_TRIGGER"
	codeSession      = "INVALID_SESSION_ID"
	codeLocked       = "UNABLE_TO_LOCK_ROW"
	codeStorage      = "STORAGE_LIMIT_EXCEEDED"
)

// classes lists the codes that are not Permanent.
var classes = map[string]Class{
	"":                                  Transient,
	codeLocked:                          Transient,
	"SERVER_UNAVAILABLE":                Transient,
	"UNKNOWN_EXCEPTION":                 Transient,
	"INTERNAL_ERROR":                    Transient,
	"QUERY_TIMEOUT":                     Transient,
	"INVALID_QUERY_LOCATOR":             Transient, // it expired
	"TXN_SECURITY_RUNTIME_EXCEPTION":    Transient,
	"PROCESSING_HALTED":                 Transient, // because of another record
	"ALL_OR_NONE_OPERATION_ROLLED_BACK": Transient, // because of another record

	codeSession:              Outage,
	"INVALID_AUTH_HEADER":    Outage,
	"API_DISABLED_FOR_ORG":   Outage,
	"API_CURRENTLY_DISABLED": Outage,

	"UNSUPPORTED_API_VERSION": Outage, // nothing succeeds until someone configures another version

	"NOT_FOUND":                   Gone,
	"ENTITY_IS_DELETED":           Gone,
	"INVALID_CROSS_REFERENCE_KEY": Gone,

	"DUPLICATE_VALUE":       Duplicate,
	"DUPLICATES_DETECTED":   Duplicate,
	"DUPLICATE_EXTERNAL_ID": Duplicate,

	codeStorage: StorageFull,
}

// governor matches the messages of Apex limits, under whichever code a trigger or flow reports them.
//
// https://developer.salesforce.com/docs/atlas.en-us.apexcode.meta/apexcode/apex_gov_limits.htm
var governor = regexp.MustCompile(`System\.LimitException|Apex CPU time limit exceeded|Apex heap size too large|` +
	`Maximum stack depth (has been )?reached|` +
	`Too many (SOQL|SOSL|DML|query|callouts|future calls|queueable jobs|email invocations)[^:]*: ?\d+`)

// classOf returns the class of a code, considering the message where the code alone does not decide.
func classOf(code, message string) Class {
	if governor.MatchString(message) {
		return Oversized
	}
	switch code {
	case codeRequestLimit:
		if strings.Contains(message, "Concurrent") {
			return Throttle
		}
		return Quota
	case codeTrigger, codeFlow: // the message repeats what failed inside the org's own Apex or flow
		switch {
		case strings.Contains(message, codeLocked):
			return Transient
		case strings.Contains(message, codeStorage):
			return StorageFull
		}
		return Permanent
	}
	if class, known := classes[code]; known {
		return class
	}
	return Permanent
}
