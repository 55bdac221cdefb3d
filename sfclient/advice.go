package sfclient

// Advice returns what a person can do about the error, or "" where nothing known would help. The text is
// constant.
func (e *Error) Advice() string {
	switch {
	case e.moved && e.Status != 0:
		return "Nothing at the org's host answers as Salesforce's API. If the org has moved or changed its domain, " +
			"the next login finds it; if the login fails too, correct SALESFORCE_LOGIN_URL."
	case e.Class() == Throttle:
		return "Too many calls are running in the org at once. crmsync waits; other integrations of the org may " +
			"have to slow down."
	case e.Class() == Oversized:
		return adviceOversized
	}
	return Advice(e.Code)
}

// Advice returns what a person can do about the error, or "" where nothing known would help. The text is
// constant.
func (r RowError) Advice() string {
	if r.Class() == Oversized {
		return adviceOversized
	}
	return Advice(r.Code)
}

// Advice returns what a person can do about a failure with this code, or "" where nothing known would help.
func Advice(code string) string { return advice[code] }

const (
	adviceOversized = "Apex or a flow in the org exceeds a governor limit. crmsync sends fewer rows at once; " +
		"if a single row still fails, the org's automation has to be corrected."
	adviceAutomation = "Apex or a flow in the org rejects the record. An administrator can find the cause in the " +
		"debug log of the run-as user."
	adviceRights    = "Give the run-as user access to the object and its fields (permission set, field-level security, sharing)."
	adviceSecret    = "Check SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET against the External Client App."
	adviceReference = "Correct the record that the field refers to: it was deleted, merged, or is not shared with " +
		"the run-as user."
	adviceDuplicate = "Merge the records in Salesforce, or set on_duplicate in the mapping."
	adviceValue     = "Correct the value in Monday, or the field's rule in Salesforce."
	adviceMapping   = "Run `crmsync check --live`: the mapping does not fit the org's fields."
)

// advice maps a code to its advice. Settings are named as in the environment.
var advice = map[string]string{
	"UNSUPPORTED_API_VERSION": "Salesforce has retired this version of its API. Set SALESFORCE_API_VERSION to a newer one " +
		"(the org lists its versions at /services/data).",
	codeStorage: "The org's storage is full. Nothing can be created until records are deleted or storage is added; " +
		"updates continue, and waiting records are created afterwards.",
	codeRequestLimit: "The org's API calls for 24 hours are used up. They become available again gradually; " +
		"Setup, under System Overview, shows who uses them.",
	codeUnreachable:      "No connection to Salesforce. Check the network, the proxy and SALESFORCE_LOGIN_URL; see https://status.salesforce.com.",
	codeTimeout:          "Salesforce did not answer in time. See https://status.salesforce.com.",
	"SERVER_UNAVAILABLE": "Salesforce is not available. See https://status.salesforce.com.",
	codeForeignHost: "The login points to a host that is not known to be Salesforce's. If it is yours, add " +
		"it to SALESFORCE_INSTANCE_HOSTS.",
	codeSession: "Salesforce rejects new sessions. Check the External Client App's policies and the " +
		"run-as user's login hours and IP ranges.",
	"INVALID_AUTH_HEADER":    "A proxy may have changed the request: Salesforce could not read the session.",
	"API_DISABLED_FOR_ORG":   "The org's edition or the run-as user has no API access. Enable \"API Enabled\" in its permission set.",
	"API_CURRENTLY_DISABLED": "The org's API is temporarily switched off. Ask Salesforce support.",

	"invalid_grant": "Salesforce rejects the login. Check that the run-as user is active, that the External Client " +
		"App allows it, " +
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
	"ENTITY_IS_LOCKED": "The record is locked, for example by an approval. The next " +
		"change to it is a new attempt; or unlock it and replay.",
	"CANNOT_UPDATE_CONVERTED_LEAD": "The lead was converted and is read-only. Its contact and " +
		"opportunity remain.",
	"INACTIVE_OWNER_OR_USER": "The owner is an inactive user. Choose another owner, or " +
		"activate the user.",
	"DUPLICATES_DETECTED": adviceDuplicate,
	"DUPLICATE_VALUE":     "Another record holds this unique value. Correct one of them.",
	"DUPLICATE_EXTERNAL_ID": "Several records hold this external ID. Mark the field as " +
		"unique, and keep the value on one of them.",
	codeSeveral: "Several records hold this external ID. Mark the field as " +
		"unique, and keep the value on one of them.",
	codeTrigger:                         adviceAutomation,
	codeFlow:                            adviceAutomation,
	"REQUIRED_FIELD_MISSING":            "Map a column to the required field, or give it a default.",
	"FIELD_CUSTOM_VALIDATION_EXCEPTION": adviceValue,
	"FIELD_INTEGRITY_EXCEPTION":         adviceValue,
	"STRING_TOO_LONG":                   adviceValue,
	"INVALID_EMAIL_ADDRESS":             adviceValue,
	"NUMBER_OUTSIDE_VALID_RANGE":        adviceValue,
	"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "Add the value to the picklist in Salesforce, or map the label " +
		"to an existing value.",
}
