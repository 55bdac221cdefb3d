package send

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"crmsync/sfclient"
)

// org is a small Salesforce: it stores records, and rejects what a test configures.
type org struct {
	mu      sync.Mutex
	records map[string]map[string]any // by Id
	fates   map[string]sfclient.Fate  // of records that are not live
	calls   []string
	serial  int

	limit    int                     // most rows of a call; 0: 200
	required []string                // by new records
	fields   []string                // that exist; nil: any
	poisons  []poison                // values that are rejected
	checks   []check                 // further rules
	locked   []string                // Ids of records that accept no change
	full     bool                    // no room for new records
	fails    func(call string) error // of the call as a whole; nil: none does
	found    map[string][]string     // Ids of duplicates, by LastName
	object   map[string]string       // of records, by Id
	unseen   bool                    // writes to missing records are only judged by checks
}

// poison is a value that the org rejects in a field.
type poison struct {
	field   string
	value   any
	code    string
	message string
	named   bool     // the error names the field
	as      []string // how it does
	call    bool     // all rows of the call are rejected with it
}

// check is a rule of the org over the fields that a record would have; existing is nil for a new one.
type check func(existing, wanted map[string]any) *sfclient.RowError

func newOrg() *org {
	return &org{records: map[string]map[string]any{}, fates: map[string]sfclient.Fate{}, object: map[string]string{}, found: map[string][]string{}}
}

// add adds a record to the org.
func (o *org) add(object, id string, fields map[string]any) {
	o.records[id], o.object[id] = maps.Clone(fields), object
	if fields == nil {
		o.records[id] = map[string]any{}
	}
}

func (o *org) sender() *Sender {
	return &Sender{Salesforce: o, Now: func() time.Time { return time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC) }}
}

// row is one row of a call.
type row struct {
	id, label string
	fields    map[string]any
}

func (o *org) Create(ctx context.Context, object string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	rows := make([]row, len(records))
	for n, record := range records {
		rows[n] = row{"", "new", record}
	}
	return o.write("create", object, rows, options)
}

func (o *org) Update(ctx context.Context, object string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	rows := make([]row, len(records))
	for n, record := range records {
		id := record["Id"].(string)
		rows[n] = row{id, id, omit(record, []string{"Id"})}
	}
	return o.write("update", object, rows, options)
}

func (o *org) Upsert(ctx context.Context, object, key string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	rows := make([]row, len(records))
	for n, record := range records {
		rows[n] = row{o.byKey(object, key, record[key]), fmt.Sprint(record[key]), record}
	}
	return o.write("upsert", object, rows, options)
}

func (o *org) WriteEach(ctx context.Context, lots []sfclient.Lot) ([]sfclient.LotResult, error) {
	var parts []string
	for _, lot := range lots {
		op := "update"
		if lot.Key != "" {
			op = "upsert"
		}
		parts = append(parts, fmt.Sprintf("%s %s %d rows", op, lot.Object, len(lot.Records)))
	}
	o.mu.Lock()
	err := o.call(strings.Join(parts, ", "))
	before := len(o.calls)
	o.mu.Unlock()
	if err != nil {
		return nil, err
	}
	results := make([]sfclient.LotResult, len(lots))
	for n, lot := range lots {
		if lot.Key == "" {
			results[n].Results, results[n].Err = o.Update(ctx, lot.Object, lot.Records, lot.Options)
		} else {
			results[n].Results, results[n].Err = o.Upsert(ctx, lot.Object, lot.Key, lot.Records, lot.Options)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls = o.calls[:before] // it is one call
	return results, nil
}

func (o *org) byKey(object, key string, value any) string {
	for id, fields := range o.records {
		if o.object[id] == object && fields[key] == value {
			return id
		}
	}
	return ""
}

func (o *org) Delete(ctx context.Context, ids []string) ([]sfclient.Result, error) {
	rows := make([]row, len(ids))
	for n, id := range ids {
		rows[n] = row{id, id, nil}
	}
	return o.write("delete", "", rows, sfclient.WriteOptions{})
}

func (o *org) Fates(ctx context.Context, object string, ids []string) (map[string]sfclient.Fate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	call := fmt.Sprintf("fates %s %s", object, strings.Join(slices.Sorted(slices.Values(ids)), " "))
	if err := o.call(call); err != nil {
		return nil, err
	}
	fates := map[string]sfclient.Fate{}
	for _, id := range ids {
		fates[id] = o.fates[id]
		if o.records[id] != nil && o.fates[id].State == sfclient.Missing {
			fates[id] = sfclient.Fate{State: sfclient.Live}
		}
	}
	return fates, nil
}

func (o *org) Duplicates(ctx context.Context, object, key string, record sfclient.Record, options sfclient.WriteOptions) ([]string, sfclient.Result, error) {
	rows := []row{{"", "one", record}}
	results, err := o.write("single", object, rows, options)
	switch {
	case err != nil:
		return nil, sfclient.Result{}, err
	case !results[0].Success:
		found := o.found[fmt.Sprint(record["LastName"])]
		return found, sfclient.Result{}, &sfclient.Error{Status: http.StatusBadRequest, Code: results[0].Errors[0].Code, Matches: found}
	}
	return nil, results[0], nil
}

// call records a call.
func (o *org) call(line string) error {
	o.calls = append(o.calls, line)
	if o.fails == nil {
		return nil
	}
	return o.fails(line)
}

// write checks the rows of a call, and writes the valid ones.
func (o *org) write(op, object string, rows []row, options sfclient.WriteOptions) ([]sfclient.Result, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line := strings.TrimSpace(op+" "+object) + fmt.Sprintf(" %d rows", len(rows))
	if len(rows) <= 3 {
		line = op + " " + object
		for _, r := range rows {
			line += fmt.Sprintf(" %s%v", r.label, names(r.fields))
		}
	}
	if options != (sfclient.WriteOptions{}) {
		line += fmt.Sprintf(" %+v", options)
	}
	if err := o.call(line); err != nil {
		return nil, err
	}
	if o.fields != nil {
		for _, r := range rows {
			for _, field := range names(r.fields) {
				if !slices.Contains(o.fields, field) {
					return nil, &sfclient.Error{Status: http.StatusBadRequest, Code: "INVALID_FIELD"}
				}
			}
		}
	}
	results := make([]sfclient.Result, len(rows))
	var whole *sfclient.RowError
	if o.limit > 0 && len(rows) > o.limit {
		whole = &sfclient.RowError{Code: codeTrigger, Message: "T: System.LimitException: Apex CPU time limit exceeded"}
	}
	for n, r := range rows {
		results[n].Errors = o.judge(op, r)
		if e, thrown := o.thrown(r); thrown && len(results[n].Errors) == 0 && whole == nil {
			whole = &e
		}
	}
	for n, r := range rows {
		switch {
		case len(results[n].Errors) > 0:
		case whole != nil:
			results[n].Errors = []sfclient.RowError{*whole}
		default:
			results[n] = o.save(op, object, r)
		}
	}
	return results, nil
}

// thrown returns the exception of a trigger caused by the row.
func (o *org) thrown(r row) (sfclient.RowError, bool) {
	for _, p := range o.poisons {
		if value, has := r.fields[p.field]; p.call && has && value == p.value {
			return sfclient.RowError{Code: p.code, Message: p.message, Fields: p.as}, true
		}
	}
	return sfclient.RowError{}, false
}

// judge returns what is wrong with a row on its own.
func (o *org) judge(op string, r row) (errs []sfclient.RowError) {
	existing := o.records[r.id]
	creates := r.id == ""
	switch {
	case slices.Contains(o.locked, r.id):
		return []sfclient.RowError{{Code: "ENTITY_IS_LOCKED"}}
	case o.fates[r.id].State == sfclient.Converted && op != "delete":
		return []sfclient.RowError{{Code: codeConverted}}
	case !o.unseen && !creates && (existing == nil || o.fates[r.id].State != sfclient.Missing) && o.fates[r.id].State != sfclient.Converted:
		return []sfclient.RowError{{Code: codeDeleted}}
	case creates && o.full:
		return []sfclient.RowError{{Code: "STORAGE_LIMIT_EXCEEDED"}}
	}
	for _, field := range o.required {
		_, held := existing[field]
		if value, has := r.fields[field]; op != "delete" && (has && value == nil || !has && !held) {
			errs = append(errs, sfclient.RowError{Code: codeRequired, Message: "Required fields are missing: [" + field + "]", Fields: []string{field}})
		}
	}
	for _, p := range o.poisons {
		if value, has := r.fields[p.field]; !p.call && has && value == p.value {
			e := sfclient.RowError{Code: p.code, Message: p.message, Fields: p.as}
			if p.named {
				e.Fields = []string{p.field}
			}
			errs = append(errs, e)
		}
	}
	wanted := maps.Clone(existing)
	if wanted == nil {
		wanted = map[string]any{}
	}
	maps.Copy(wanted, r.fields)
	for _, check := range o.checks {
		if e := check(existing, wanted); e != nil {
			errs = append(errs, *e)
		}
	}
	return errs
}

func (o *org) save(op, object string, r row) sfclient.Result {
	if op == "delete" {
		delete(o.records, r.id)
		return sfclient.Result{ID: r.id, Success: true}
	}
	created := r.id == ""
	if created {
		o.serial++
		r.id = fmt.Sprintf("%s-%d", strings.ToLower(object), o.serial)
		o.add(object, r.id, nil)
	}
	maps.Copy(o.records[r.id], r.fields)
	return sfclient.Result{ID: r.id, Success: true, Created: created && op != "create"}
}

func update(id string, fields map[string]any) Write {
	return Write{Op: Update, Object: "Contact", ID: id, Fields: fields}
}

func upsert(key string, fields map[string]any) Write {
	return Write{Op: Upsert, Object: "Contact", Key: "Key__c", KeyValue: key, Fields: fields}
}

func create(fields map[string]any, needed ...string) Write {
	return Write{Op: Create, Object: "Contact", Fields: fields, Needed: needed}
}

// rejected returns the rejection of fields.
func rejected(code string, fields ...string) Rejection {
	return Rejection{Code: code, Fields: fields, Dependent: rules[code].dependent}
}

func send(t *testing.T, s *Sender, writes ...Write) []Outcome {
	t.Helper()
	return s.Send(t.Context(), writes)
}
