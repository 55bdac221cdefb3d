package engine

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// drawRows are rows of some operations, objects and records; the same record may have several.
func drawRows(t *rapid.T) (rows []*row) {
	records := []*mapping.Record{{Object: "Account", Match: []string{"Name"}, Shared: true}, {Object: "Contact", Match: []string{"Email"}}}
	for n := range rapid.IntRange(0, 40).Draw(t, "rows") {
		rec := rapid.SampledFrom(records).Draw(t, "object")
		id := rapid.IntRange(1, 12).Draw(t, "record")
		r := &row{work: &work{item: &ledger.Item{ID: int64(id)}}, record: rec, op: opUpsert, fields: map[string]any{"Name": n}}
		r.link = &ledger.Link{}
		switch rapid.IntRange(0, 3).Draw(t, "op") {
		case 0:
			r.op, r.link.SalesforceID = opUpdate, fmt.Sprint(rec.Object, id)
		case 1:
			r.op, r.link.SalesforceID = opDelete, fmt.Sprint(rec.Object, id)
		case 2:
			r.op, r.match = opCreate, fmt.Sprint(rec.Object, " Name=", id)
		}
		rows = append(rows, r)
	}
	return rows
}

func TestGroup(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		size := rapid.IntRange(1, 5).Draw(t, "size")
		sent := map[*row]int{}
		for later := rows; len(later) > 0; {
			var calls [][]*row
			before := len(later)
			calls, later = group(later, size)
			seen := map[string]bool{}
			for _, call := range calls {
				if len(call) == 0 || len(call) > size {
					t.Fatalf("a call of %d rows, at most %d are allowed", len(call), size)
				}
				for _, r := range call {
					sent[r]++
					if r.op != call[0].op || r.record.Object != call[0].record.Object {
						t.Fatalf("a call of several kinds")
					}
					if seen[r.identity()] {
						t.Fatalf("record %s is written by two rows at once", r.identity())
					}
					seen[r.identity()] = true
				}
			}
			if len(later) >= before {
				t.Fatalf("no end: %d rows are left of %d", len(later), before)
			}
		}
		for _, r := range rows {
			if sent[r] != 1 {
				t.Fatalf("a row is sent %d times", sent[r])
			}
		}
	})
}

// TestParts cuts a refused call until single rows, or rows that are alike, are left.
func TestParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		for _, r := range rows {
			r.fields = map[string]any{rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "field"): 1}
		}
		code := rapid.SampledFrom([]string{"INVALID_FIELD", "JSON_PARSER_ERROR"}).Draw(t, "code")
		var ends [][]*row
		calls := 0
		var cut func([]*row)
		cut = func(some []*row) {
			if calls++; calls > 2*len(rows)+2 {
				t.Fatalf("no end")
			}
			all := parts(some, code)
			if len(all) == 1 {
				ends = append(ends, all[0])
				return
			}
			for _, part := range all {
				cut(part)
			}
		}
		if len(rows) > 0 {
			cut(rows)
		}
		touched := map[*row]int{}
		for _, end := range ends {
			for _, r := range end {
				touched[r]++
				if code == "JSON_PARSER_ERROR" && len(end) > 1 || !maps.Equal(r.fields, end[0].fields) {
					t.Fatalf("rows that differ are refused together")
				}
			}
		}
		for _, r := range rows {
			if touched[r] != 1 {
				t.Fatalf("a row is in %d parts", touched[r])
			}
		}
	})
}

func TestHalves(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 20).Draw(t, "fields")
		whole := &row{link: &ledger.Link{}, fields: map[string]any{}}
		for i := range n {
			whole.fields[fmt.Sprint("F", i)] = i
		}
		seen := map[string]any{}
		for rows := []*row{whole}; len(rows) > 0; rows = rows[1:] {
			r := rows[0]
			if len(r.fields) > 1 {
				rows = append(rows, r.halves()...)
				continue
			}
			if len(r.fields) == 0 {
				t.Fatalf("a half of nothing")
			}
			maps.Copy(seen, r.fields)
		}
		if diff := cmp.Diff(whole.fields, seen); diff != "" {
			t.Fatalf("fields that are tried (-want +got):\n%s", diff)
		}
	})
}

func TestMatchKey(t *testing.T) {
	t.Parallel()
	rec := &mapping.Record{Object: "Contact", Match: []string{"Email", "LastName"}}
	tests := map[string]struct {
		a, b map[string]any
		same bool
	}{
		"case":             {map[string]any{"Email": "A@B.example"}, map[string]any{"Email": "a@b.example"}, true},
		"white space":      {map[string]any{"Email": " a@b\t"}, map[string]any{"Email": "a@b"}, true},
		"inner space":      {map[string]any{"LastName": "a b"}, map[string]any{"LastName": "ab"}, false},
		"empty and null":   {map[string]any{"Email": "a", "LastName": ""}, map[string]any{"Email": "a", "LastName": nil}, true},
		"only blank":       {map[string]any{"Email": "a", "LastName": " "}, map[string]any{"Email": "a"}, true},
		"another field":    {map[string]any{"Email": "a"}, map[string]any{"LastName": "a"}, false},
		"one more field":   {map[string]any{"Email": "a"}, map[string]any{"Email": "a", "LastName": "b"}, false},
		"number and text":  {map[string]any{"Email": 5.0}, map[string]any{"Email": "5"}, true},
		"not of the match": {map[string]any{"Email": "a", "Title": "x"}, map[string]any{"Email": "a"}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := keyOf(rec, tt.a), keyOf(rec, tt.b)
			if (a == b) != tt.same || a == "" || b == "" {
				t.Errorf("keys %q and %q, want them the same: %v", a, b, tt.same)
			}
		})
	}
	if got := keyOf(rec, map[string]any{"Email": " ", "LastName": nil}); got != "" {
		t.Errorf("key of nothing: %q", got)
	}
	r := &row{match: keyOf(rec, map[string]any{"Email": "ada@example.org"})}
	if strings.Contains(r.lease(), "example") {
		t.Errorf("the lease tells the value: %s", r.lease())
	}
}

func TestBySize(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rec := &mapping.Record{Object: "Contact", Match: []string{"Email"}}
		var rows []*row
		for range rapid.IntRange(0, 40).Draw(t, "rows") {
			value := strings.Repeat("'", rapid.IntRange(1, 3000).Draw(t, "length"))
			rows = append(rows, &row{record: rec, fields: map[string]any{"Email": value}})
		}
		chunks := bySize(rows)
		if !slices.Equal(rows, slices.Concat(chunks...)) {
			t.Fatalf("rows are lost or out of order")
		}
		for _, chunk := range chunks {
			size := 0
			for _, r := range chunk {
				size += len(url.QueryEscape(condition(matchValues(rec, r.fields)) + " OR "))
			}
			if size > querySize+len(chunk)*8 && len(chunk) > 1 {
				t.Fatalf("a query of %d bytes", size)
			}
		}
	})
}

// TestRefusedClasses says for each kind of refusal what is sent in place of the row, and what becomes of the item.
func TestRefusedClasses(t *testing.T) {
	t.Parallel()
	fields := map[string]any{"FirstName": "Ada", "LastName": "King", "Title": "Head"}
	tests := map[string]struct {
		op      op
		err     sfclient.RowError
		want    []string // fields of the rows that follow
		retried bool
		refused []string
	}{
		"locked":                {err: sfclient.RowError{Code: "UNABLE_TO_LOCK_ROW"}, retried: true},
		"two first upserts":     {op: opUpsert, err: sfclient.RowError{Code: "DUPLICATE_VALUE", Fields: []string{"Monday_Item_Id__c"}}, retried: true},
		"a named field":         {err: sfclient.RowError{Code: "STRING_TOO_LONG", Fields: []string{"Title"}}, want: []string{"FirstName LastName"}, refused: []string{"Title"}},
		"all named":             {err: sfclient.RowError{Code: "X", Fields: []string{"Title", "FirstName", "LastName"}}, refused: []string{"FirstName", "LastName", "Title"}},
		"a field, not sent":     {err: sfclient.RowError{Code: "REQUIRED_FIELD_MISSING", Fields: []string{"Email"}}, want: []string{"FirstName", "LastName Title"}},
		"none named":            {err: sfclient.RowError{Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION"}, want: []string{"FirstName", "LastName Title"}},
		"none named, new":       {op: opUpsert, err: sfclient.RowError{Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION"}, refused: []string{""}},
		"deleted in Salesforce": {err: sfclient.RowError{Code: "ENTITY_IS_DELETED"}, want: []string{"Birthdate FirstName LastName"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, records := planned(nil, link("contact", contactID, map[string]any{"FirstName": "x"}))
			r := &row{work: w, record: records["contact"], link: w.item.Links["contact"], op: tt.op, fields: maps.Clone(fields)}
			if tt.op == opUpsert {
				r.link.SalesforceID = ""
			}
			var got []string
			for _, next := range applied(w).refused(r, tt.err) {
				got = append(got, strings.Join(slices.Sorted(maps.Keys(next.fields)), " "))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rows that follow (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.refused, slices.Sorted(maps.Keys(r.link.Rejected))); diff != "" {
				t.Errorf("refused (-want +got):\n%s", diff)
			}
			if (w.err != nil) != tt.retried || (w.tasks[0].err != nil) != (tt.refused != nil) {
				t.Errorf("item's error %v, event's error %v", w.err, w.tasks[0].err)
			}
		})
	}
}

// TestBlame says which events fail by a refused field: those that told it as it stands, else the first that counts.
func TestBlame(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		events  []Event
		stale   int // position of an event that is older than what is known; -1: none
		deleted bool
		field   string
		want    []bool
	}{
		"the teller":             {events: []Event{{Kind: Renamed}, {ColumnID: "status"}, {ColumnID: "email"}}, stale: -1, field: "Title", want: []bool{false, true, false}},
		"both tellers":           {events: []Event{{ColumnID: "status"}, {Kind: Renamed}, {ColumnID: "status"}}, stale: -1, field: "Title", want: []bool{true, false, true}},
		"not the stale one":      {events: []Event{{ColumnID: "status"}, {ColumnID: "status"}}, stale: 0, field: "Title", want: []bool{false, true}},
		"name, by create":        {events: []Event{{ColumnID: "status"}, {Kind: Created}}, stale: -1, field: "LastName", want: []bool{false, true}},
		"none told it":           {events: []Event{{ColumnID: "email"}, {Kind: Renamed}}, stale: -1, field: "Title", want: []bool{true, false}},
		"none told it, stale":    {events: []Event{{ColumnID: "email"}, {Kind: Renamed}}, stale: 0, field: "Title", want: []bool{false, true}},
		"the delete, of a whole": {events: []Event{{ColumnID: "email"}, {Kind: Deleted}}, stale: -1, deleted: true, want: []bool{false, true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, records := planned(nil)
			w.tasks = nil
			for n, ev := range tt.events {
				ev.JobID = int64(n + 1)
				w.tasks = append(w.tasks, &task{Event: ev, stale: n == tt.stale})
			}
			if tt.deleted {
				w.item.DeletedAt = noon
			}
			r := &row{work: w, record: records["contact"], link: w.link(records["contact"])}
			r.refuse(tt.field, "x", r.columns([]string{tt.field}), &RefusedError{Code: "X"})
			var got []bool
			for _, task := range w.tasks {
				got = append(got, task.err != nil)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("failed events (-want +got):\n%s", diff)
			}
		})
	}
}
