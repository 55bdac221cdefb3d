package jobs_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crmsync/jobs"
)

// TestAppendJSON compares the quick encoding with encoding/json's.
func TestAppendJSON(t *testing.T) {
	t.Parallel()
	at := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "unknown") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(0, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
	})
	rapid.Check(t, func(t *rapid.T) {
		var value json.RawMessage
		if rapid.Bool().Draw(t, "set") {
			value, _ = json.Marshal(map[string]string{rapid.String().Draw(t, "member"): rapid.String().Draw(t, "value")})
		}
		args := jobs.ColumnUpdateArgs{
			Event: jobs.Event{
				Key: rapid.String().Draw(t, "key"), Type: rapid.String().Draw(t, "type"),
				BoardID: rapid.Int64().Draw(t, "board"), ItemID: rapid.Int64().Draw(t, "item"), UserID: rapid.Int64().Draw(t, "user"),
				TriggeredAt: at.Draw(t, "triggered"), ReceivedAt: at.Draw(t, "received"), Redelivered: rapid.Bool().Draw(t, "again"),
			},
			ColumnID: rapid.String().Draw(t, "column"), ColumnType: rapid.String().Draw(t, "column type"), Value: value,
			ChangedAt: rapid.Float64Range(0, 253402300799).Draw(t, "changed"),
		}
		slow, err := json.Marshal(args)
		if err != nil {
			t.Fatal(err)
		}
		quick := args.AppendJSON(nil)
		if got, want := decoded(t, quick), decoded(t, slow); !cmp.Equal(got, want) {
			t.Fatalf("%s\nis not\n%s", quick, slow)
		}
	})
}

// TestAppendJSONKnowsAll: no member is missing, including one that is added to the struct later.
func TestAppendJSONKnowsAll(t *testing.T) {
	t.Parallel()
	var args jobs.ColumnUpdateArgs
	fill(t, reflect.ValueOf(&args).Elem())
	slow, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decoded(t, slow), decoded(t, args.AppendJSON(nil))); diff != "" {
		t.Errorf("json.Marshal (-) and AppendJSON (+):\n%s", diff)
	}
}

// fill sets each field of a struct to a value that is not its zero value.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch x := v.Addr().Interface().(type) {
	case *json.RawMessage:
		*x = json.RawMessage(`1`)
		return
	case *time.Time:
		*x = time.Unix(1, 0).UTC()
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for n := range v.NumField() {
			fill(t, v.Field(n))
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(1)
	case reflect.Float64:
		v.SetFloat(1)
	default:
		t.Fatalf("no value for %s", v.Type())
	}
}

func decoded(t rapid.TB, text []byte) (members map[string]any) {
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return members
}
