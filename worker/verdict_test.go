package worker

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"crmsync/internal/panics"
	"crmsync/mondayclient"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err     error
		snoozes int
		cancel  bool
		snooze  time.Duration // 0: none
	}{
		"network":                   {err: io.ErrUnexpectedEOF},
		"locked row":                {err: &sfclient.Error{Status: 400, Code: "UNABLE_TO_LOCK_ROW"}},
		"row that failed":           {err: &engine.RowError{Object: "Lead", Code: "UNABLE_TO_LOCK_ROW"}},
		"bug":                       {err: &panics.Error{Value: "x"}},
		"bad field":                 {err: &sfclient.Error{Status: 400, Code: "INVALID_FIELD"}, cancel: true},
		"refused":                   {err: &engine.RejectedError{Object: "Lead", Code: "X"}, cancel: true},
		"unreadable":                {err: &unreadableError{"broken"}, cancel: true},
		"wrapped":                   {err: fmt.Errorf("upserting: %w", fault{permanent: true}), cancel: true},
		"joined":                    {err: errors.Join(io.EOF, fault{permanent: true}), cancel: true},
		"busy":                      {err: &engine.BusyError{What: "the item"}, snooze: time.Second},
		"busy for long":             {err: &engine.BusyError{What: "the item"}, snoozes: 100, snooze: time.Second},
		"throttled":                 {err: fault{wait: time.Minute}, snooze: time.Minute},
		"waits, although permanent": {err: fault{wait: time.Minute, permanent: true}, snooze: time.Minute},
		"Salesforce away":           {err: &sfclient.Error{Code: "UNREACHABLE"}, snooze: 5 * time.Second},
		"away for long":             {err: &sfclient.Error{Code: "UNREACHABLE"}, snoozes: 4, snooze: 32 * time.Second},
		"away forever":              {err: &sfclient.Error{Code: "UNREACHABLE"}, snoozes: 1 << 40, snooze: time.Minute},
		"over quota":                {err: &sfclient.Error{Status: 403, Code: "REQUEST_LIMIT_EXCEEDED"}, snooze: time.Minute},
		"circuit open":              {err: &awayError{"salesforce", 5 * time.Second}, snooze: 5 * time.Second},
		"storage full":              {err: &sfclient.Error{Status: 400, Code: "STORAGE_LIMIT_EXCEEDED"}, snoozes: 1, snooze: 4 * time.Second},
		"outage without a time":     {err: fault{outage: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := verdict(tt.err, &rivertype.JobRow{Metadata: fmt.Appendf(nil, `{"snoozes": %d}`, tt.snoozes)})
			var snoozed *river.JobSnoozeError
			var cancelled *river.JobCancelError
			isSnooze, isCancel := errors.As(got.err, &snoozed), errors.As(got.err, &cancelled)
			if isCancel != tt.cancel || got.cancel != tt.cancel || isSnooze != (tt.snooze > 0) {
				t.Fatalf("ruling %+v", got)
			}
			if !isSnooze && !errors.Is(got.err, tt.err) {
				t.Errorf("error %v, want %v", got.err, tt.err)
			}
			if d := got.snooze; float64(d) < 0.9*float64(tt.snooze) || float64(d) > 1.1*float64(tt.snooze) {
				t.Errorf("snooze of %s, want %s, more or less", d, tt.snooze)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	tests := map[int]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 5: 32 * time.Second, 11: 2048 * time.Second, 12: time.Hour, 1000: time.Hour}
	synctest.Test(t, func(t *testing.T) {
		policy := backoff{base: 2 * time.Second, max: time.Hour}
		for attempt, want := range tests {
			low, high := want, time.Duration(0)
			for range 1000 {
				d := time.Until(policy.NextRetry(&rivertype.JobRow{Attempt: attempt}))
				low, high = min(low, d), max(high, d)
			}
			if low < want*9/10 || high > min(want*11/10, time.Hour) {
				t.Errorf("attempt %d: from %s to %s, want %s +-10 %%", attempt, low, high, want)
			}
			if high-low < want/20 {
				t.Errorf("attempt %d: from %s to %s, not spread", attempt, low, high)
			}
		}
	})
}

func TestPatience(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		`{}`: 2 * time.Second, `{"snoozes":1}`: 4 * time.Second, `{"snoozes":5}`: time.Minute, `{"snoozes":-1}`: 2 * time.Second,
		`broken`: 2 * time.Second, ``: 2 * time.Second,
	}
	for metadata, want := range tests {
		if got := patience(&rivertype.JobRow{Metadata: []byte(metadata)}); got != want {
			t.Errorf("after %s: %s, want %s", metadata, got, want)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err  error
		want store.Failure
	}{
		"refused": {
			fmt.Errorf("x: %w", &engine.RejectedError{Object: "Lead", SalesforceID: "00Q", Field: "Email", Code: "BAD"}),
			store.Failure{Class: "permanent", Code: "BAD", Object: "Lead", SalesforceID: "00Q", Field: "Email", System: "salesforce",
				Message: "x: Lead.Email: BAD"},
		},
		"our own":    {&engine.RejectedError{Object: "Lead", Field: "Status", Code: "UNMAPPED_LABEL"}, store.Failure{Class: "permanent", Code: "UNMAPPED_LABEL", Object: "Lead", Field: "Status", System: "crmsync", Message: "Lead.Status: UNMAPPED_LABEL"}},
		"row":        {&engine.RowError{Object: "Lead", Code: "LOCKED"}, store.Failure{System: "salesforce", Class: "transient", Code: "LOCKED", Object: "Lead", Message: "Lead: LOCKED"}},
		"salesforce": {&sfclient.Error{Status: 400, Code: "INVALID_FIELD"}, store.Failure{System: "salesforce", Class: "permanent", Code: "INVALID_FIELD", Message: "salesforce: 400 INVALID_FIELD"}},
		"monday":     {&mondayclient.Error{Code: "InternalServerError"}, store.Failure{System: "monday", Class: "transient", Code: "InternalServerError"}},
		"unreadable": {&unreadableError{"not JSON"}, store.Failure{System: "crmsync", Class: "permanent", Code: "UNREADABLE", Message: "unreadable delivery: not JSON"}},
		"panic":      {&panics.Error{Value: "Ada's secret", Stack: []byte("at x.go:1")}, store.Failure{System: "crmsync", Class: "panic", Code: "PANIC", Message: "panic: string", Trace: "at x.go:1"}},
		"any other":  {io.EOF, store.Failure{System: "crmsync", Class: "transient", Code: "ERROR", Message: "EOF"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := describe(tt.err)
			ignore := cmpopts.IgnoreFields(store.Failure{}, "ReceivedAt")
			if name == "monday" {
				ignore = cmpopts.IgnoreFields(store.Failure{}, "ReceivedAt", "Message")
			}
			if diff := cmp.Diff(tt.want, got, ignore); diff != "" {
				t.Errorf("failure (-want +got):\n%s", diff)
			}
			if strings.Contains(got.Message, "secret") {
				t.Errorf("message %q", got.Message)
			}
		})
	}
}
