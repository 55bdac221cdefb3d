package jobs_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"crmsync/jobs"
)

// TestStored pins what is stored in rows of river_job, which outlive the program that wrote them: kinds and JSON forms
// never change.
func TestStored(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 23, 12, 3, 55, 44_000_000, time.UTC)
	event := jobs.Event{Key: "k", Type: "t", BoardID: 1 << 60, ItemID: 1<<60 + 1, UserID: 7, TriggeredAt: at, ReceivedAt: at.Add(time.Second), Redelivered: true}
	const common = `"key":"k","type":"t","board_id":1152921504606846976,"item_id":1152921504606846977,"user_id":7,` +
		`"triggered_at":"2026-09-23T12:03:55.044Z","received_at":"2026-09-23T12:03:56.044Z","redelivered":true`
	tests := map[string]struct {
		args river.JobArgs
		want string
	}{
		"column_update": {
			jobs.ColumnUpdateArgs{Event: event, ColumnID: "c", ColumnType: "color", Value: json.RawMessage(`{"label":null}`), ChangedAt: 1790165018.6281064},
			`{` + common + `,"column_id":"c","column_type":"color","value":{"label":null},"changed_at":1790165018.6281064}`,
		},
		"item_create":  {jobs.ItemCreateArgs{Event: event, Name: "n"}, `{` + common + `,"name":"n"}`},
		"item_rename":  {jobs.ItemRenameArgs{Event: event, Name: "n"}, `{` + common + `,"name":"n"}`},
		"item_delete":  {jobs.ItemDeleteArgs{Event: event}, `{` + common + `}`},
		"item_restore": {jobs.ItemRestoreArgs{Event: event}, `{` + common + `}`},
		"item_resync":  {jobs.ItemResyncArgs{BoardID: 1, ItemID: 2, Force: true}, `{"board_id":1,"item_id":2,"force":true}`},
		"unreadable":   {jobs.UnreadableArgs{Key: "k", Body: []byte{0, 255}, Reason: "r", ReceivedAt: at}, `{"key":"k","body":"AP8=","reason":"r","received_at":"2026-09-23T12:03:55.044Z"}`},
	}
	for kind, tt := range tests {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			if got := tt.args.Kind(); got != kind {
				t.Errorf("kind %q, want %q", got, kind)
			}
			got, err := json.Marshal(tt.args)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
			back := reflect.New(reflect.TypeOf(tt.args))
			if err := json.Unmarshal([]byte(tt.want), back.Interface()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.args, back.Elem().Interface().(river.JobArgs)); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAbsent is an event with as few members as Monday may send.
func TestAbsent(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(jobs.ColumnUpdateArgs{Value: json.RawMessage("null")})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"key":"","type":"","board_id":0,"item_id":0,"received_at":"0001-01-01T00:00:00Z","column_id":"","column_type":"","value":null}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

// TestOnce checks that repeated deliveries create one job, whatever the state of the first, and that only the key
// counts.
func TestOnce(t *testing.T) {
	t.Parallel()
	for _, args := range []river.JobArgsWithInsertOpts{
		jobs.ColumnUpdateArgs{}, jobs.ItemCreateArgs{}, jobs.ItemRenameArgs{}, jobs.ItemDeleteArgs{}, jobs.ItemRestoreArgs{}, jobs.UnreadableArgs{},
	} {
		opts := args.InsertOpts()
		slices.Sort(opts.UniqueOpts.ByState)
		states := rivertype.JobStates()
		slices.Sort(states)
		want := river.InsertOpts{Queue: "events", UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: states}}
		if diff := cmp.Diff(want, opts); diff != "" {
			t.Errorf("%T (-want +got):\n%s", args, diff)
		}
		if diff := cmp.Diff([]string{"Key"}, unique(reflect.TypeOf(args))); diff != "" {
			t.Errorf("%T is unique by (-want +got):\n%s", args, diff)
		}
	}
	if diff := cmp.Diff(river.InsertOpts{Queue: "events"}, jobs.ItemResyncArgs{}.InsertOpts()); diff != "" {
		t.Errorf("a resync (-want +got):\n%s", diff)
	}
}

// unique returns the fields by which River distinguishes jobs.
func unique(typ reflect.Type) (names []string) {
	for n := range typ.NumField() {
		field := typ.Field(n)
		if field.Anonymous {
			names = append(names, unique(field.Type)...)
		} else if field.Tag.Get("river") == "unique" {
			names = append(names, field.Name)
		}
	}
	return names
}
