package send

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"crmsync/sfclient"
)

var errNetwork = errors.New("network")

// TestPassing has transient failures and unknown outcomes.
func TestPassing(t *testing.T) {
	t.Parallel()
	row := func(e sfclient.RowError) []check {
		return []check{func(_, _ map[string]any) *sfclient.RowError { return &e }}
	}
	duplicate := func(field string) []check {
		return row(sfclient.RowError{Code: codeValue, Message: "duplicate value found: " + field + " duplicates value on record with id: 0035g00000AbCdE"})
	}
	call := func(err error) func(string) error { return func(string) error { return err } }
	tests := map[string]struct {
		checks []check
		fails  func(string) error
		write  Write
		want   Outcome
	}{
		"locked row":                       {row(sfclient.RowError{Code: "UNABLE_TO_LOCK_ROW"}), nil, update("c1", f{"A": 1}), Retry{Err: &RowError{Object: "Contact", SalesforceID: "c1", Code: "UNABLE_TO_LOCK_ROW"}}},
		"answer lost":                      {nil, call(&sfclient.Error{Code: "UNREACHABLE"}), update("c1", f{"A": 1}), Unknown{Err: cmpopts.AnyError}},
		"away":                             {nil, call(&sfclient.Error{Status: http.StatusServiceUnavailable}), update("c1", f{"A": 1}), Unknown{Err: cmpopts.AnyError}},
		"no session":                       {nil, call(&sfclient.Error{Code: "FOREIGN_HOST"}), update("c1", f{"A": 1}), Retry{Err: cmpopts.AnyError}},
		"over quota":                       {nil, call(&sfclient.Error{Status: http.StatusForbidden, Code: "REQUEST_LIMIT_EXCEEDED"}), update("c1", f{"A": 1}), Retry{Err: cmpopts.AnyError}},
		"not our mistake":                  {nil, call(errNetwork), create(f{"A": 1}), Unknown{Err: errNetwork}},
		"nothing sent":                     {nil, call(awayError{}), create(f{"A": 1}), Retry{Err: awayError{}}},
		"first upsert, named":              {row(sfclient.RowError{Code: codeValue, Fields: []string{"Key__c"}}), nil, upsert("7", f{"A": 1}), Retry{Err: &RowError{Object: "Contact", Code: codeValue}}},
		"first upsert, in the message":     {duplicate("Key__c"), nil, upsert("7", f{"A": 1}), Retry{Err: &RowError{Object: "Contact", Code: codeValue}}},
		"another key with the same ending": {duplicate("Other_Key__c"), nil, upsert("7", nil), Rejected{[]Rejection{{Code: codeValue, Records: []string{"0035g00000AbCdEAAV"}}}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg()
			o.add("Contact", "c1", nil)
			o.checks, o.fails = tt.checks, tt.fails
			if diff := cmp.Diff([]Outcome{tt.want}, send(t, o.sender(), tt.write), equal); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if len(o.calls) != 1 {
				t.Errorf("calls %q, want one", o.calls)
			}
		})
	}
}

// TestEnded has a batch whose time is over before its calls are sent.
func TestEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := newOrg()
	got := o.sender().Send(ctx, []Write{create(f{"A": 1})})
	if diff := cmp.Diff([]Outcome{Retry{Err: context.Canceled}}, got, equal); diff != "" || len(o.calls) > 0 {
		t.Errorf("calls %q, outcome (-want +got):\n%s", o.calls, diff)
	}
}

// short answers with fewer rows than were sent.
type short struct{ *org }

func (s short) Create(ctx context.Context, object string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	results, err := s.org.Create(ctx, object, records, options)
	return results[1:], err
}

// TestShortAnswer has an answer that does not match its call.
func TestShortAnswer(t *testing.T) {
	t.Parallel()
	s := Sender{Salesforce: short{newOrg()}, Now: time.Now}
	got := send(t, &s, create(f{"A": 1}), create(f{"A": 2}))
	if diff := cmp.Diff([]Outcome{Unknown{Err: errRows}, Unknown{Err: errRows}}, got, equal); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// TestStorage has an org without storage for new records.
func TestStorage(t *testing.T) {
	t.Parallel()
	o := newOrg()
	o.add("Contact", "c1", nil)
	o.full = true
	outcomes := send(t, o.sender(), create(f{"A": 1}), update("c1", f{"A": 1}), upsert("7", f{"A": 1}))
	full := Retry{Err: &RowError{Object: "Contact", Code: "STORAGE_LIMIT_EXCEEDED"}}
	if diff := cmp.Diff([]Outcome{full, Done{ID: "c1"}, full}, outcomes, equal); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	var scoped interface {
		Scoped() bool
		RetryAfter() time.Duration
	}
	if !errors.As(outcomes[0].(Retry).Err, &scoped) || !scoped.Scoped() || scoped.RetryAfter() <= 0 {
		t.Errorf("%v is not an outage for new records", outcomes[0].(Retry).Err)
	}
}

type awayError struct{}

func (awayError) Error() string { return "away" }
func (awayError) Outage() bool  { return true }
