package advice

// Refused is the code of a rejection that has none of its own.
const Refused = "REFUSED"

// own has the codes that crmsync itself gives.
var own = []Entry{
	{Own, "UNMAPPED_LABEL", "The column holds a label that the mapping does not name.",
		"Add the label to the field's labels in the mapping, give the field a default, or choose another label in Monday, " +
			"then replay."},
	{Own, "INVALID_NUMBER", "The column does not hold a number.", "Correct the value in Monday."},
	{Own, "INVALID_PHONE", "The column does not hold a valid phone number.",
		"Correct the number in Monday, with its country, or set phone_country in the mapping."},
	{Own, "INVALID_DATE", "The column does not hold a date.", "Correct the value in Monday."},
	{Own, "INVALID_VALUE", "The column holds a value that cannot be converted for the field.", "Correct the value in Monday."},
	{Own, "WRONG_COLUMN_TYPE", "The column has a type that cannot be converted for the field.",
		"Run `crmsync check --live`, and correct the mapping."},
	{Own, "MULTIPLE_MATCHES", "Several records in Salesforce have the values that the item is matched by.",
		"Merge them in Salesforce, or write the Id of the right one into the item's Id column, then replay."},
	{Own, "WRONG_OBJECT", "The Id that the item shows belongs to another object.", "Correct or empty the item's Id column in Monday."},
	{Own, "NO_SUCH_RECORD", "There is no record with the Id that the item shows, or the run-as user may not see it.",
		"Correct or empty the item's Id column in Monday."},
	{Own, "SHOWN_ID_REFUSED", "Somebody wrote an Id into the item's Id column, and the mapping does not adopt such " +
		"records.",
		"Empty the item's Id column in Monday, or remove adopt_shown: off from the mapping."},
	{Own, Refused, "Monday does not let the item show what its record holds.", "Check the column's permissions and labels in Monday, then replay."},
	{Own, "UNSETTLED", "A value went back and forth between Monday and Salesforce 20 times within an hour: two " +
		"automations " +
		"keep overwriting each other's value.",
		"Stop one of the two, or set the field's sync to one direction. The field is followed again after an hour."},
	{Own, "NO_WAY_BACK", "The column cannot show the value that was chosen.", "Edit the value in Monday or in Salesforce."},
	{Own, "ONLY_TO_SALESFORCE", "The field is only synced to Salesforce, so Salesforce's value was not adopted.",
		"Use --adopt monday, or enter Salesforce's value in Monday, or set sync: both for the field."},
	{Own, "ONLY_TO_MONDAY", "The field is only synced to Monday, so Monday's value was not adopted.",
		"Use --adopt salesforce, or enter Monday's value in Salesforce, or set sync: both for the field."},
	{Own, "FIELD_NOT_VISIBLE", "The run-as user cannot see a field that is synced both ways, so it is not written.",
		"Let the user's permission set read the field, then replay."},
	{Own, "NOT_ARCHIVED", "Monday does not let the item of a deleted record be archived.",
		"Check the board's permissions in Monday, then replay."},
	{Own, "UNREADABLE", "A delivery could not be read as an event of Monday.",
		"If it is Monday's, upgrade crmsync and replay; if somebody else sends them, change the webhook's secret and " +
			"ignore them."},
	{Own, "RESCUED", "The worker died or was killed during the event's last attempt.",
		"Replay. If it happens again, look for an out-of-memory kill in the machine's log."},
	{Own, "CANCELLED", "Somebody cancelled the job in the dashboard.", "Replay it, or ignore it."},
	{Own, "PANIC", "The program failed because of a fault of its own.",
		"Replay after the next upgrade. Report it with the trace from error_logs."},
	{Own, "ERROR", "The event failed in all its attempts.", "The reason says why. Correct it, then replay."},
}
