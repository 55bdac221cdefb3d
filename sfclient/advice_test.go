package sfclient

import (
	"strings"
	"testing"
)

func TestAdvice(t *testing.T) {
	t.Parallel()
	for code := range classes {
		if text := Advice(code); strings.TrimSpace(text) != text || strings.Contains(text, "  ") {
			t.Errorf("advice on %s: %q", code, text)
		}
	}
	cpu := RowError{Code: codeTrigger, Message: "private: Apex CPU time limit exceeded"}
	tests := map[string]struct {
		got, want string // part of it; empty: none
	}{
		"version":          {(&Error{Status: 410, Code: "UNSUPPORTED_API_VERSION"}).Advice(), "SALESFORCE_API_VERSION"},
		"storage":          {RowError{Code: codeStorage}.Advice(), "storage is full"},
		"quota":            {(&Error{Status: 403, Code: codeRequestLimit, message: "TotalRequests Limit exceeded."}).Advice(), "24 hours"},
		"throttle":         {(&Error{Status: 403, Code: codeRequestLimit, message: "ConcurrentRequests private"}).Advice(), "at once"},
		"governor":         {cpu.Advice(), "governor limit"},
		"governor, in all": {(&Error{Status: 400, Code: cpu.Code, message: cpu.Message}).Advice(), "governor limit"},
		"trigger":          {RowError{Code: codeTrigger, Message: "private"}.Advice(), "debug log"},
		"moved":            {(&Error{Status: 302, moved: true}).Advice(), "SALESFORCE_LOGIN_URL"},
		"login":            {(&Error{Status: 400, Code: "invalid_grant", login: true}).Advice(), "run-as user"},
		"an unknown code":  {Advice("SOMETHING_NEW"), ""},
	}
	for name, tt := range tests {
		if !strings.Contains(tt.got, tt.want) || (tt.got == "") != (tt.want == "") || strings.Contains(tt.got, "private") {
			t.Errorf("%s: advice = %q, want it to contain %q", name, tt.got, tt.want)
		}
	}
}
