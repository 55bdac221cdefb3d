package advice

const (
	doToken       = "Check MONDAY_API_TOKEN: it is wrong, or its user is no longer active."
	doAccess      = "Give the user of MONDAY_API_TOKEN access to the board, as a subscriber or by its permissions."
	doStatus      = "See https://status.monday.com."
	doColumn      = "Correct the value in Salesforce, or the column's settings in Monday."
	doBoard       = "Run `crmsync check --live`: the mapping does not fit the board."
	meansToken    = "Monday does not know the token."
	meansNoAccess = "The token's user may not use the board."
)

var monday = []Entry{
	{Monday, "ColumnValueException", "Monday rejects the value for the column.", doColumn},
	{Monday, "CorrectedValueException", "Monday rejects a value of this form.", doColumn},
	{Monday, "RecordInvalidException", "Monday rejects the item's values.", doColumn},
	{Monday, "InvalidArgumentException", "Monday rejects an argument of the call.", doBoard},
	{Monday, "InvalidColumnIdException", "The board has no such column.", doBoard},
	{Monday, "InvalidBoardIdException", "There is no such board, or the token's user may not see it.", doBoard},
	{Monday, "InvalidUserIdException", "There is no such user in Monday.", "Choose an active user."},
	{Monday, "ResourceNotFoundException", "The item or board does not exist any more.",
		"If it was deleted, ignore the dead letter; if it was restored, replay."},
	{Monday, "ItemNameTooLongException", "The item's name is longer than 255 characters.", "Shorten the name in Salesforce."},
	{Monday, "ItemsLimitationException", "The board is full: it holds as many items as the plan allows.",
		"Archive items or use another board, then replay."},
	{Monday, "DailyLimitExceeded", "The account's API calls of the day are used up.",
		"New ones are allowed from 00:00 UTC, and more on a higher plan."},
	{Monday, "ComplexityBudgetExhausted", "The complexity that Monday allows in a minute is used up.",
		"crmsync waits for the next minute; other integrations with the same token may have to slow down."},
	{Monday, "RateLimitExceeded", "Monday allows no more calls in this minute.", "crmsync waits for the next minute."},
	{Monday, "InvalidVersionException", "Monday no longer serves this version of its API.",
		"Set MONDAY_API_VERSION to a current one (https://developer.monday.com/api-reference/docs/api-versioning lists them)."},
	{Monday, "NotAuthenticated", meansToken, doToken},
	{Monday, "Unauthorized", meansToken, doToken},
	{Monday, "UserAccessDenied", meansNoAccess, doAccess},
	{Monday, "UserUnauthorized", meansNoAccess, doAccess},
	{Monday, "UserUnauthorizedException", meansNoAccess, doAccess},
	{Monday, "MissingRequiredPermissions", "The token lacks a permission.",
		"Grant the app boards:read, boards:write and users:read, install it again and replace MONDAY_API_TOKEN."},
	{Monday, "UNREACHABLE", "There is no connection to Monday.", "Check the network, the proxy and MONDAY_API_URL. " + doStatus},
	{Monday, "TIMEOUT", "Monday does not answer in time.", doStatus},
	{Monday, "UNREADABLE_ANSWER", "The answer is not Monday's.", "Check the proxy and MONDAY_API_URL. " + doStatus},
	{Monday, "InternalServerError", "Monday failed internally.", doStatus},
	{Monday, "ApiTemporarilyBlocked", "Monday has blocked the account's API for a while.", doStatus},
}
