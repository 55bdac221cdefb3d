package sfclient

// Advice is what a person can do about the error; empty: nothing is known that would help. It is constant text.
func (e *Error) Advice() string {
	switch {
	case e.moved && e.Status != 0:
		return "Nobody answers as Salesforce's API at the org's host. If the org has moved or changed its domain, " +
			"the next login finds it; if the login fails too, correct SALESFORCE_LOGIN_URL."
	case e.Class() == Throttle:
		return "Too many calls run in the org at once. crmsync waits; other integrations of the org may have to slow down."
	case e.Class() == Oversized:
		return adviceOversized
	}
	return Advice(e.Code)
}

// Advice is what a person can do about the error; empty: nothing is known that would help. It is constant text.
func (r RowError) Advice() string {
	if r.Class() == Oversized {
		return adviceOversized
	}
	return Advice(r.Code)
}

// Advice is what a person can do about a failure with this code; empty: nothing is known that would help.
func Advice(code string) string { return advice[code] }

const (
	adviceOversized = "Apex or a flow in the org exceeds a governor limit. crmsync sends fewer rows at once; " +
		"where one row alone fails, the org's automation has to be corrected."
	adviceAutomation = "Apex or a flow in the org refuses the record. Its administrator finds the cause in the debug log of the run-as user."
	adviceRights     = "Give the run-as user access to the object and its fields (permission set, field-level security, sharing)."
	adviceSecret     = "Check SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET against the External Client App."
	adviceReference  = "Correct the record that the field refers to: it is deleted, merged, or not shared with the run-as user."
	adviceDuplicate  = "Merge the records in Salesforce, or set on_duplicate in the mapping."
	adviceValue      = "Correct the value in Monday, or the field's rule in Salesforce."
	adviceMapping    = "Run `crmsync check --live`: the mapping and the org's fields do not fit."
)

// advice is by code. Settings have the names of the environment.
var advice = map[string]string{
	"UNSUPPORTED_API_VERSION": "Salesforce has retired this version of its API. Set SALESFORCE_API_VERSION to a newer one " +
		"(the org lists its versions at /services/data).",
	codeStorage: "The org's storage is full. Nothing can be created until records are deleted or storage is added; " +
		"updates go on, and what waits is created afterwards.",
	codeRequestLimit: "The org's API calls of 24 hours are used up. They come back bit by bit; " +
		"see in Setup, under System Overview, who uses them.",
	codeUnreachable:          "No connection to Salesforce. Check the network, the proxy and SALESFORCE_LOGIN_URL; see https://status.salesforce.com.",
	codeTimeout:              "Salesforce does not answer in time. See https://status.salesforce.com.",
	"SERVER_UNAVAILABLE":     "Salesforce is not available. See https://status.salesforce.com.",
	codeForeignHost:          "The login names a host that is not known as Salesforce's. If it is yours, add it to SALESFORCE_INSTANCE_HOSTS.",
	codeSession:              "Salesforce refuses new sessions. Check the External Client App's policies and the run-as user's login hours and IP ranges.",
	"INVALID_AUTH_HEADER":    "A proxy may have changed the request: Salesforce could not read the session.",
	"API_DISABLED_FOR_ORG":   "The org's edition or the run-as user has no API access. Enable \"API Enabled\" in its permission set.",
	"API_CURRENTLY_DISABLED": "The org's API is switched off for now. Ask Salesforce support.",

	"invalid_grant": "Salesforce refuses the login. Check that the run-as user is active, that the External Client App allows it, " +
		"that the flow is enabled, and SALESFORCE_USERNAME.",
	"invalid_client":         adviceSecret,
	"invalid_client_id":      adviceSecret,
	"inactive_user":          "The run-as user is inactive. Activate it in Setup, under Users.",
	"inactive_org":           "The org is locked, closed or suspended. Ask Salesforce support.",
	"unsupported_grant_type": "Enable the client credentials flow (or JWT bearer flow) in the External Client App.",
	"invalid_app_access":     "Pre-authorize the run-as user for the External Client App.",

	"INVALID_FIELD":                                 adviceMapping,
	"INVALID_TYPE":                                  adviceMapping,
	"INVALID_FIELD_FOR_INSERT_UPDATE":               adviceMapping,
	"INVALID_TYPE_ON_FIELD_IN_RECORD":               adviceMapping,
	"INSUFFICIENT_ACCESS_OR_READONLY":               adviceRights,
	"INSUFFICIENT_ACCESS":                           adviceRights,
	"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": adviceReference,
	"INVALID_CROSS_REFERENCE_KEY":                   adviceReference,
	"ENTITY_IS_DELETED":                             adviceReference,
	"ENTITY_IS_LOCKED":                              "The record is locked, as by an approval. It is attempted again with its next change; or unlock it and replay.",
	"CANNOT_UPDATE_CONVERTED_LEAD":                  "The lead was converted and is read-only. Its contact and opportunity live on.",
	"INACTIVE_OWNER_OR_USER":                        "The owner is an inactive user. Choose another one, or activate it.",
	"DUPLICATES_DETECTED":                           adviceDuplicate,
	"DUPLICATE_VALUE":                               "Another record holds this unique value. Correct one of them.",
	"DUPLICATE_EXTERNAL_ID":                         "Several records hold this external ID. Mark the field as unique, and leave it on one of them.",
	codeSeveral:                                     "Several records hold this external ID. Mark the field as unique, and leave it on one of them.",
	codeTrigger:                                     adviceAutomation,
	codeFlow:                                        adviceAutomation,
	"REQUIRED_FIELD_MISSING":                        "Map a column to the required field, or give it a default.",
	"FIELD_CUSTOM_VALIDATION_EXCEPTION":             adviceValue,
	"FIELD_INTEGRITY_EXCEPTION":                     adviceValue,
	"STRING_TOO_LONG":                               adviceValue,
	"INVALID_EMAIL_ADDRESS":                         adviceValue,
	"NUMBER_OUTSIDE_VALID_RANGE":                    adviceValue,
	"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST":       "Add the value to the picklist in Salesforce, or map the label to one that it has.",
}
