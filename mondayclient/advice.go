package mondayclient

// Advice returns what a person can do about a failure with this code, as constant text; empty if nothing is known to
// help.
func Advice(code string) string { return advice[plain(code)] }

const (
	adviceToken  = "Check MONDAY_API_TOKEN: it is wrong, or its user is no longer active."
	adviceAccess = "Give the user of MONDAY_API_TOKEN access to the board, as a subscriber or by its permissions."
	adviceStatus = "See https://status.monday.com."
)

// advice maps codes, as plain returns them, to advice. Settings go by the names of their environment variables.
var advice = map[string]string{
	"invalidversionexception": "Monday no longer serves this version of its API. Set MONDAY_API_VERSION to a current one " +
		"(https://developer.monday.com/api-reference/docs/api-versioning lists them).",
	"dailylimitexceeded": "The account's API calls of the day are used up. They come back at midnight UTC; a larger plan has more.",

	"notauthenticated":           adviceToken,
	"unauthorized":               adviceToken,
	"useraccessdenied":           adviceAccess,
	"userunauthorized":           adviceAccess,
	"userunauthorizedexception":  adviceAccess,
	"missingrequiredpermissions": "The user of MONDAY_API_TOKEN lacks a permission. Give it the scope that Monday names in its API documentation.",

	"unreachable":           "No connection to Monday. Check the network, the proxy and MONDAY_API_URL. " + adviceStatus,
	"timeout":               "Monday does not answer in time. " + adviceStatus,
	"unreadableanswer":      "The answer is not Monday's. Check the proxy and MONDAY_API_URL. " + adviceStatus,
	"internalservererror":   adviceStatus,
	"apitemporarilyblocked": "Monday has blocked the account's API for a while. " + adviceStatus,
}
