package salesforce

import (
	"cmp"
	"fmt"
	"net/http"
)

// failure is one error in Salesforce's words: an entry of the array that answers a rejected request, or of a row's
// errors in a collection.
type failure struct {
	status  int // HTTP status if it ends the request; 0: 400
	code    string
	message string
	fields  []string

	other      string // Id of the record that already has the value
	duplicates any    // what a duplicate rule found, as in the rejection of a single record
}

// topError is a failure in the array that answers a rejected request.
type topError struct {
	Message    string   `json:"message"`
	ErrorCode  string   `json:"errorCode"`
	Fields     []string `json:"fields,omitempty"`
	Duplicates any      `json:"duplicateResut,omitempty"` // misspelled by Salesforce
}

// rowError is a failure of one row of a collection.
type rowError struct {
	StatusCode string   `json:"statusCode"`
	Message    string   `json:"message"`
	Fields     []string `json:"fields"`
}

func fail(code, format string, args ...any) *failure {
	return &failure{code: code, message: fmt.Sprintf(format, args...)}
}

// on sets the fields that the failure is about.
func (f *failure) on(fields ...string) *failure {
	f.fields = fields
	return f
}

// with sets the HTTP status.
func (f *failure) with(status int) *failure {
	f.status = status
	return f
}

func notFound() *failure {
	return fail("NOT_FOUND", "The requested resource does not exist").with(http.StatusNotFound)
}

func malformedJSON(err error) *failure {
	return fail("JSON_PARSER_ERROR", "%s at [line:1, column:1]", err)
}

// refusal returns the answer to a request that fails with these failures.
func refusal(failures ...*failure) answer {
	list := make([]topError, len(failures))
	for i, f := range failures {
		list[i] = topError{Message: f.message, ErrorCode: f.code, Fields: f.fields, Duplicates: f.duplicates}
	}
	return answer{status: cmp.Or(failures[0].status, http.StatusBadRequest), body: list}
}

// rowErrors returns the failures of a row in the form used by a collection.
func rowErrors(failures []*failure) []rowError {
	list := make([]rowError, len(failures))
	for i, f := range failures {
		list[i] = rowError{StatusCode: f.code, Message: f.message, Fields: f.fields}
		if f.fields == nil {
			list[i].Fields = []string{}
		}
	}
	return list
}
