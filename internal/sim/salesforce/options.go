package salesforce

import (
	"net/http"
	"strings"
)

// saveOptions are the options for saving rows, from the headers of a call.
type saveOptions struct {
	assign     bool // assignment rules run
	allowSave  bool // duplicate rules that alert do not apply
	allDetails bool // a duplicate rule shows the fields of the records it finds
}

// readOptions reads the options; assignment rules run by default.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/headers-autoassign.html
// https://developer.salesforce.com/docs/platform/api-rest/guide/headers-duplicaterules.html
func readOptions(h http.Header) saveOptions {
	options := saveOptions{assign: !strings.EqualFold(h.Get("Sforce-Auto-Assign"), "FALSE")}
	for part := range strings.SplitSeq(h.Get("Sforce-Duplicate-Rule-Header"), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		isTrue := strings.EqualFold(value, "true")
		switch name {
		case "allowSave":
			options.allowSave = isTrue
		case "includeRecordDetails":
			options.allDetails = isTrue
		}
	}
	return options
}
