package advice

const (
	doValue   = "Correct the value in Monday, or the field's rule in Salesforce."
	doMapping = "Run `crmsync check --live`: the mapping does not fit the org's fields."
	doRights  = "Give the run-as user access to the object and its fields (permission set, field-level security, " +
		"sharing)."
	doReference = "Correct the record that the field refers to: it was deleted, merged, or is not shared with the " +
		"run-as user."
	doSecret     = "Check SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET against the External Client App."
	doKey        = "Mark the field as unique, and keep the value on one of them."
	doAutomation = "An administrator can find the cause in the debug log of the run-as user. Correct the automation or " +
		"the " +
		"record, then replay."
	doUser  = "Choose another owner, or correct the user in Salesforce, under Setup, Users."
	doOften = "It is usually temporary: replay. If it happens again, look for long transactions or automation that " +
		"locks the same records."
)

// salesforce has the codes of rows and calls first, then those of logins and of an unavailable org.
var salesforce = []Entry{
	{Salesforce, "REQUIRED_FIELD_MISSING", "Salesforce requires a field that the record would leave empty.",
		"Map a column to the required field, or give it a default."},
	{Salesforce, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "A validation rule of the org rejects the record.", doValue},
	{Salesforce, "FIELD_INTEGRITY_EXCEPTION", "The value does not fit another field of the record.",
		"Correct the value in Monday, such as the country that a state belongs to, or the field's rule in Salesforce."},
	{Salesforce, "FIELD_FILTER_VALIDATION_EXCEPTION", "A lookup filter rejects the record that the field refers to.",
		"Choose another record in Monday, or change the lookup filter in Salesforce."},
	{Salesforce, "STRING_TOO_LONG", "The value is longer than the field.", doValue},
	{Salesforce, "INVALID_EMAIL_ADDRESS", "Salesforce does not accept the value as an e-mail address.", doValue},
	{Salesforce, "NUMBER_OUTSIDE_VALID_RANGE", "The number has more digits than the field.", doValue},
	{Salesforce, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "The value is not in the field's picklist.",
		"Add the value to the picklist in Salesforce, or map the label to an existing value."},
	{Salesforce, "INVALID_TYPE_ON_FIELD_IN_RECORD", "The value has another type than the field.", doMapping},
	{Salesforce, "MALFORMED_ID", "The value is not a Salesforce Id.", "Correct the Id in Monday, or the mapping of the field."},
	{Salesforce, "DUPLICATES_DETECTED", "A duplicate rule of the org rejects the record.",
		"Merge the records in Salesforce, or set on_duplicate in the mapping."},
	{Salesforce, "DUPLICATE_VALUE", "Another record holds this unique value.", "Correct one of the two records."},
	{Salesforce, "DUPLICATE_EXTERNAL_ID", "Several records hold this external ID.", doKey},
	{Salesforce, "MULTIPLE_CHOICES", "Several records hold this external ID.", doKey},
	{Salesforce, "INVALID_CROSS_REFERENCE_KEY", "The record that the field refers to does not exist.", doReference},
	{Salesforce, "ENTITY_IS_DELETED", "The record was deleted in Salesforce.", doReference},
	{Salesforce, "NOT_FOUND", "Salesforce has no such record, or the run-as user may not see it.", doReference},
	{Salesforce, "CIRCULAR_DEPENDENCY", "The record would refer to itself.", "Choose another parent in Monday."},
	{Salesforce, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
		"The run-as user may not use the record that the field refers to.",
		doReference},
	{Salesforce, "INSUFFICIENT_ACCESS_OR_READONLY", "The run-as user may not write the record or one of its fields.", doRights},
	{Salesforce, "INSUFFICIENT_ACCESS", "The run-as user may not write the record.", doRights},
	{Salesforce, "INACTIVE_OWNER_OR_USER", "The owner is an inactive user.",
		"Choose another owner in Monday or in defaults.owner, or activate the user."},
	{Salesforce, "TRANSFER_REQUIRES_READ", "The new owner may not read the record.", doUser},
	{Salesforce, "OP_WITH_INVALID_USER_TYPE_EXCEPTION", "The owner is a user of a kind that cannot own the record.", doUser},
	{Salesforce, "ENTITY_IS_LOCKED", "The record is locked, for example by an approval.",
		"The next change to it is a new attempt; or unlock it and replay."},
	{Salesforce, "UNABLE_TO_LOCK_ROW", "Another transaction held the record for the whole time of our attempts.", doOften},
	{Salesforce, "CANNOT_UPDATE_CONVERTED_LEAD", "The lead was converted and is read-only.",
		"Nothing has to be done: its contact and opportunity stay in sync. Ignore the dead letter."},
	{Salesforce, "DELETE_FAILED", "Other records or a rule keep the record from being deleted.",
		"Delete it in Salesforce, or set on_delete to keep in the mapping, then replay or ignore."},
	{Salesforce, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "Apex or a flow in the org rejects the record.", doAutomation},
	{Salesforce, "CANNOT_EXECUTE_FLOW_TRIGGER", "A flow in the org fails on the record.", doAutomation},
	{Salesforce, "FAILED_ACTIVATION", "The record cannot be activated.", doAutomation},
	{Salesforce, "GOVERNOR_LIMIT", "Apex or a flow in the org exceeds a governor limit.",
		"crmsync sends fewer rows at once; if a single row still fails, the org's automation has to be corrected."},
	{Salesforce, "INVALID_FIELD", "The object has no such field, or the run-as user may not see it.", doMapping},
	{Salesforce, "INVALID_TYPE", "The org has no such object, or the run-as user may not see it.", doMapping},
	{Salesforce, "INVALID_FIELD_FOR_INSERT_UPDATE", "The field cannot be written.", doMapping},
	{Salesforce, "MALFORMED_QUERY", "Salesforce does not understand a search.", doMapping},
	{Salesforce, "JSON_PARSER_ERROR", "Salesforce does not understand a value.", doMapping},
	{Salesforce, "UNKNOWN_EXCEPTION", "Salesforce failed without a reason.",
		"Replay. If it happens again, give the time and the record to Salesforce support."},
	{Salesforce, "QUERY_TIMEOUT", "A search took too long.",
		"Replay when the org is less busy; ask an administrator for an index on the match fields."},

	{Salesforce, "STORAGE_LIMIT_EXCEEDED", "The org's storage is full.",
		"Nothing can be created until records are deleted or storage is added; updates continue, and waiting records are " +
			"created afterwards."},
	{Salesforce, "REQUEST_LIMIT_EXCEEDED", "The org's API calls for 24 hours are used up.",
		"They become available again gradually; Setup, under System Overview, shows who uses them."},
	{Salesforce, "CONCURRENT_REQUESTS", "Too many calls are running in the org at once.",
		"crmsync waits; other integrations of the org may have to slow down."},
	{Salesforce, "UNREACHABLE", "There is no connection to Salesforce.",
		"Check the network, the proxy and SALESFORCE_LOGIN_URL; see https://status.salesforce.com."},
	{Salesforce, "TIMEOUT", "Salesforce did not answer in time.", "See https://status.salesforce.com."},
	{Salesforce, "SERVER_UNAVAILABLE", "Salesforce is not available.", "See https://status.salesforce.com."},
	{Salesforce, "ORG_MOVED", "Nothing at the org's host answers as Salesforce's API.",
		"If the org has moved or changed its domain, the next login finds it; if the login fails too, correct " +
			"SALESFORCE_LOGIN_URL."},
	{Salesforce, "FOREIGN_HOST", "The login points to a host that is not known to be Salesforce's.",
		"If it is yours, add it to SALESFORCE_INSTANCE_HOSTS."},
	{Salesforce, "UNSUPPORTED_API_VERSION", "Salesforce has retired this version of its API.",
		"Set SALESFORCE_API_VERSION to a newer one (the org lists its versions at /services/data)."},
	{Salesforce, "INVALID_SESSION_ID", "Salesforce rejects new sessions.",
		"Check the External Client App's policies and the run-as user's login hours and IP ranges."},
	{Salesforce, "INVALID_AUTH_HEADER", "Salesforce could not read the session.", "A proxy may have changed the request. Check it."},
	{Salesforce, "API_DISABLED_FOR_ORG", "The org's edition or the run-as user has no API access.",
		"Enable \"API Enabled\" in the run-as user's permission set."},
	{Salesforce, "API_CURRENTLY_DISABLED", "The org's API is temporarily switched off.", "Ask Salesforce support."},
	{Salesforce, "invalid_grant", "Salesforce rejects the login.",
		"Check that the run-as user is active, that the External Client App allows it, that the flow is enabled, and " +
			"SALESFORCE_USERNAME."},
	{Salesforce, "invalid_client", "Salesforce does not know the app or its secret.", doSecret},
	{Salesforce, "invalid_client_id", "Salesforce does not know the app.", doSecret},
	{Salesforce, "inactive_user", "The run-as user is inactive.", "Activate it in Setup, under Users."},
	{Salesforce, "inactive_org", "The org is locked, closed or suspended.", "Ask Salesforce support."},
	{Salesforce, "unsupported_grant_type", "The app does not allow this way to log in.",
		"Enable the client credentials flow (or JWT bearer flow) in the External Client App."},
	{Salesforce, "invalid_app_access", "The run-as user may not use the app.",
		"Pre-authorize the run-as user for the External Client App."},
}
