package monday

import (
	"cmp"
	"encoding/json"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// apiError is an error in Monday's shape.
//
// https://developer.monday.com/api-reference/docs/errors
type apiError struct {
	message   string
	code      string
	data      object
	status    int // status_code in the extensions; 0: 200
	retry     int // seconds; 0: none
	locations []gqlerror.Location
	path      []any
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// MarshalJSON writes the members in Monday's order. Only application errors have a status code and data.
func (e *apiError) MarshalJSON() ([]byte, error) {
	type extensions struct {
		Code       string `json:"code,omitempty"`
		StatusCode int    `json:"status_code,omitempty"`
		ErrorData  object `json:"error_data,omitempty"`
		Retry      int    `json:"retry_in_seconds,omitempty"`
	}
	out := struct {
		Message    string              `json:"message"`
		Locations  []gqlerror.Location `json:"locations,omitempty"`
		Path       []any               `json:"path,omitempty"`
		Extensions *extensions         `json:"extensions,omitempty"`
	}{Message: e.message, Locations: e.locations, Path: e.path}
	if e.code != "" {
		out.Extensions = &extensions{Code: e.code, Retry: e.retry}
		if len(e.path) > 0 {
			out.Extensions.StatusCode = cmp.Or(e.status, 200)
			out.Extensions.ErrorData = e.data
		}
	}
	return json.Marshal(out)
}

func invalidArgument(message string) error {
	return &apiError{code: "InvalidArgumentException", message: message}
}
